// Waterfall: a bar a level, one under the other, with the loss named below each.
import {base_option, type Draw, text_shape, tip, whisker} from '../chart';
import type {WaterfallChart, WaterfallStep} from '../data';
import {colour, doubt_mark, evidence_style, type Theme} from '../theme';

const row_height = 58;
const bar_height = 15;

// Hatching and dots are drawn as lines and circles over the bar.
function pattern_shapes(
    x: number, y: number, width: number, pattern: 'hatched'|'dotted'|undefined, stroke: string) {
  const shapes: object[] = [];
  for (let at = x + 3; pattern && at < x + width; at += 6) {
    if (pattern === 'hatched') {
      const end = Math.min(at + bar_height, x + width);
      shapes.push({
        type: 'line',
        silent: true,
        shape: {x1: at, y1: y + bar_height, x2: end, y2: y + bar_height - (end - at)},
        style: {stroke, lineWidth: 1}
      });
    } else {
      for (const dy of [4, 11])
        shapes.push({type: 'circle', silent: true, shape: {cx: at, cy: y + dy, r: 1}, style: {fill: stroke}});
    }
  }
  return shapes;
}

function row_shapes(
    step: WaterfallStep, y: number, x: (value: number) => number, right: number, base: string, theme: Theme) {
  const left = x(0);
  const shapes: object[] = [text_shape(step.level, left, y, {fill: theme.text, fontWeight: 600})];
  const bar_y = y + 16;
  if (step.value === null) {
    shapes.push(text_shape('— unknown', right, y, {fill: theme.muted, align: 'right'}));
    shapes.push({
      type: 'line',
      silent: true,
      shape: {x1: left, y1: bar_y + bar_height / 2, x2: right, y2: bar_y + bar_height / 2},
      style: {stroke: theme.line, lineDash: [2, 4]}
    });
    shapes.push(text_shape(
        step.basis, left, bar_y + bar_height + 5,
        {fill: theme.muted, fontSize: 11, width: right - left, overflow: 'truncate', ellipsis: '…'}));
    return shapes;
  }
  const {pattern, ...style} = evidence_style(theme, base, step.class) as ReturnType<typeof evidence_style>&
      {pattern?: 'hatched' | 'dotted'};
  const width = Math.max(1, x(step.value) - left);
  shapes.push({type: 'rect', shape: {x: left, y: bar_y, width, height: bar_height}, style});
  shapes.push(...pattern_shapes(left, bar_y, width, pattern, base));
  const middle = bar_y + bar_height / 2;
  if (step.low !== undefined && step.high !== undefined)
    shapes.push(...whisker(x(step.low), middle, x(step.high), middle, theme.text));
  const tag = step.class === 'measured' ? '' : ` ${step.class}`;
  shapes.push(text_shape(
      `${step.label}${doubt_mark(step.validity)}${tag}`, right, y, {fill: theme.text, align: 'right'}));
  if (step.validity === 'void')
    shapes.push({
      type: 'line',
      silent: true,
      shape: {x1: left, y1: middle, x2: left + width, y2: middle},
      style: {stroke: theme.text, lineWidth: 1.5}
    });
  shapes.push(text_shape(
      step.loss, left, bar_y + bar_height + 5,
      {fill: theme.muted, fontSize: 11, width: right - left, overflow: 'truncate', ellipsis: '…'}));
  return shapes;
}

export const draw_waterfall: Draw<WaterfallChart> = (chart, theme) => {
  const base = colour(theme, chart.colour);
  const most = Math.max(...chart.steps.map((step) => Math.max(step.value ?? 0, step.high ?? 0)), 1e-12);
  const height = chart.steps.length * row_height + 4;
  return {
    height,
    option: {
      ...base_option(theme),
      grid: {left: 1, right: 4, top: 2, bottom: 2, containLabel: false},
      xAxis: {type: 'value', min: 0, max: most, show: false},
      yAxis: {type: 'value', min: 0, max: height, inverse: true, show: false},
      tooltip:
          tip(theme,
              (item) => {
                const step = chart.steps[item.dataIndex];
                return [
                  `${step.level}: ${
                      step.value === null ? '— unknown' : `${step.label} ${chart.unit}, ${step.class}`}`,
                  step.basis, step.loss
                ];
              }),
      series: [{
        type: 'custom',
        data: chart.steps.map((step, i) => [step.value ?? 0, i * row_height]),
        renderItem: (params: any, api: any) => {
          const x = (value: number) => api.coord([value, 0])[0] as number;
          const y = api.coord([0, params.dataIndex * row_height])[1] as number;
          return {
            type: 'group',
            children: row_shapes(
                chart.steps[params.dataIndex], y, x, params.coordSys.x + params.coordSys.width, base, theme)
          };
        },
      }],
    },
  };
};
