// What all charts share: ECharts with no more in it than is used, tips that never take text for markup, keys
// in HTML.
import {CustomChart, LineChart, ScatterChart} from 'echarts/charts';
import {GridComponent, MarkLineComponent, TooltipComponent} from 'echarts/components';
import * as echarts from 'echarts/core';
import type {EChartsCoreOption} from 'echarts/core';
import {LabelLayout} from 'echarts/features';
import {SVGRenderer} from 'echarts/renderers';

import {font, type Theme} from './theme';

echarts.use([
  CustomChart, LineChart, ScatterChart, GridComponent, MarkLineComponent, TooltipComponent, SVGRenderer,
  LabelLayout
]);

export type Option = EChartsCoreOption;

// One entry of the key above a chart.
export interface KeyItem {
  label: string;
  colour: string;
  shape: 'thick'|'thin'|'dashed'|'dot';
  symbol?: string;
}

export interface Drawing {
  option: Option;
  height: number;
  key?: KeyItem[];
}

// `width` of the place in pixels.
export type Draw<T> = (chart: T, theme: Theme, width: number) => Drawing;

export function make(element: HTMLElement, width: number, height: number) {
  return echarts.init(element, undefined, {renderer: 'svg', width, height});
}

export function base_option(theme: Theme): Option {
  return {
    animation: false,
    textStyle: {fontFamily: font, fontSize: 12, color: theme.text},
    backgroundColor: 'transparent'
  };
}

export function axis_style(theme: Theme) {
  return {
    axisLine: {show: true, lineStyle: {color: theme.line}},
    axisTick: {show: false},
    axisLabel: {color: theme.muted, fontSize: 11, hideOverlap: true},
    splitLine: {show: true, lineStyle: {color: theme.line, opacity: 0.6}},
    minorSplitLine: {show: false},
    nameTextStyle: {color: theme.muted, fontSize: 11},
  };
}

// Ticks of a logarithmic axis, also where it spans less than a decade: 1, 2, 5 or powers of ten, as many as
// there is room for.
function log_ticks(min: number, max: number, most: number): number[] {
  const decades = Math.log10(max / min);
  const steps = decades < 1.2 ? [1, 1.5, 2, 3, 4, 5, 7] : decades * 3 <= most ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); ++power) {
    for (const step of steps) {
      const tick = Number(`${step}e${power}`);
      if (tick >= min && tick <= max) ticks.push(tick);
    }
  }
  while (ticks.length > most)
    for (let i = ticks.length - 2; i > 0; i -= 2) ticks.splice(i, 1);
  return ticks;
}

// A logarithmic axis; `room` is how many labels fit.
export function log_axis(
    theme: Theme, min: number, max: number, room: number, formatter: (value: number) => string) {
  const ticks = log_ticks(min, max, room);
  const style = axis_style(theme);
  return {
    ...style,
    type: 'log',
    min,
    max,
    axisTick: {show: true, customValues: ticks, lineStyle: {color: theme.line}},
    axisLabel: {...style.axisLabel, hideOverlap: true, customValues: ticks, formatter}
  };
}

// A tip whose lines are text, whatever is in them.
export function tip(theme: Theme, lines: (item: any) => string[]) {
  return {
    trigger: 'item',
    confine: true,
    backgroundColor: theme.ground,
    borderColor: theme.line,
    textStyle: {color: theme.text, fontSize: 12},
    extraCssText: 'max-width:22rem;white-space:normal',
    formatter: (item: any) => {
      const box = document.createElement('div');
      for (const line of lines(item))
        box.append(Object.assign(document.createElement('div'), {textContent: line}));
      return box;
    },
  };
}

export function text_shape(text: string, x: number, y: number, style: Record<string, unknown>) {
  return {type: 'text', silent: true, style: {text, x, y, fontFamily: font, fontSize: 12, ...style}};
}

// Shapes of an interval on an axis: a line with two ends.
export function whisker(x1: number, y1: number, x2: number, y2: number, colour: string) {
  const is_flat = Math.abs(y1 - y2) < Math.abs(x1 - x2);
  const cap = 3.5;
  const line = (a: number, b: number, c: number, d: number) => ({
    type: 'line',
    silent: true,
    shape: {x1: a, y1: b, x2: c, y2: d},
    style: {stroke: colour, lineWidth: 1.3}
  });
  const ends = is_flat ? [line(x1, y1 - cap, x1, y1 + cap), line(x2, y2 - cap, x2, y2 + cap)] :
                         [line(x1 - cap, y1, x1 + cap, y1), line(x2 - cap, y2, x2 + cap, y2)];
  return [line(x1, y1, x2, y2), ...ends];
}
