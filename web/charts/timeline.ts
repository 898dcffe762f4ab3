// Timeline of one mix: arrivals and ends per second, requests in flight, and under them each request as a
// thin span.
import {axis_style, base_option, type Draw, text_shape, tip} from '../chart';
import type {Span, TimelineChart} from '../data';

import {colour, faded, short, type Theme} from '../theme';
import {server_series, server_strips} from './server_strips';

const band_gap = 18;
const lane_height = 5;
const strip_height = 64;
const left = 40;

const outcomes = ['met every limit', 'missed a limit', 'failed', 'broken off by its user'];

// Where each class begins, in pixels below the top of the spans' grid.
function band_tops(chart: TimelineChart): number[] {
  const tops: number[] = [];
  let top = band_gap;
  for (const lanes of chart.lanes) {
    tops.push(top);
    top += lanes * lane_height + band_gap;
  }
  return tops;
}

function span_shapes(span: Span, x: (s: number) => number, y: number, base: string, theme: Theme) {
  const [, , scheduled, first, end, outcome] = span;
  const height = lane_height - 1.5;
  const from = x(scheduled), to = Math.max(x(end), from + 1),
        turn = first === null ? to : Math.min(x(first), to);
  const shapes: object[] = [
    {type: 'rect', shape: {x: from, y, width: to - from, height}, style: {fill: faded(base, 0.28)}},
    {type: 'rect', shape: {x: turn, y, width: Math.max(0, to - turn), height}, style: {fill: base}},
  ];
  if (outcome === 1)
    shapes.push({
      type: 'rect',
      silent: true,
      shape: {x: from, y: y - 0.5, width: to - from, height: height + 1},
      style: {fill: 'none', stroke: theme.text, lineWidth: 1}
    });
  if (outcome >= 2)
    shapes.push(text_shape(
        outcome === 2 ? '✕' : '◂', to + 1, y + height / 2,
        {fill: theme.text, fontSize: 10, fontWeight: 700, verticalAlign: 'middle'}));
  return shapes;
}

function steps(values: number[], bin_s: number) {
  const points = values.map((value, i) => [i * bin_s, value]);
  if (values.length > 0) points.push([values.length * bin_s, values[values.length - 1]]);
  return points;
}

export const draw_timeline: Draw<TimelineChart> = (chart, theme) => {
  const base = colour(theme, chart.colour);
  const end_s = Math.max(chart.arrivals.length * chart.bin_s, ...chart.spans.map((span) => span[4]));
  const tops = band_tops(chart);
  const spans_height = chart.lanes.reduce((sum, lanes) => sum + lanes * lane_height + band_gap, 0) + 4;
  const spans_top = 2 * (strip_height + 34);
  const strips = server_strips(chart.server);
  const strips_top = spans_top + 6 + spans_height + 24;
  const strip_step = strip_height + 34;
  const bottom = strips.length > 0 ? strips_top + strips.length * strip_step - 10 : spans_top + spans_height;
  const x_axis = (index: number, is_last: boolean) => ({
    ...axis_style(theme),
    gridIndex: index,
    type: 'value',
    min: 0,
    max: end_s,
    name: is_last ? 'seconds since the start' : '',
    nameLocation: 'middle',
    nameGap: 24,
    axisLabel: {show: is_last, color: theme.muted, fontSize: 11, formatter: short, hideOverlap: true},
  });
  const y_axis = (index: number, name: string) => ({
    ...axis_style(theme),
    gridIndex: index,
    type: 'value',
    min: 0,
    splitNumber: 2,
    name,
    nameGap: 7,
    nameTextStyle: {color: theme.muted, fontSize: 11, align: 'left', padding: [0, 0, 0, -left + 2]},
  });
  const strip = (index: number, name: string, values: number[], width: number, fill: boolean) => ({
    type: 'line',
    name,
    xAxisIndex: index,
    yAxisIndex: index,
    step: 'end',
    showSymbol: false,
    data: steps(values, chart.bin_s),
    silent: true,
    lineStyle: {color: width > 1 ? base : theme.muted, width},
    areaStyle: fill ? {color: faded(base, 0.25)} : undefined,
  });
  return {
    height: bottom + 44,
    key: [
      {label: 'arrivals', colour: theme.muted, shape: 'thin'},
      {label: 'completions', colour: base, shape: 'thick'},
      ...(chart.server?.running && chart.server.waiting ?
              [
                {label: 'running', colour: base, shape: 'thick' as const},
                {label: 'waiting', colour: theme.text, shape: 'dashed' as const}
              ] :
              []),
    ],
    option: {
      ...base_option(theme),
      grid: [
        {left, right: 14, top: 22, height: strip_height},
        {left, right: 14, top: strip_height + 56, height: strip_height},
        {left, right: 14, top: spans_top + 6, height: spans_height},
        ...strips.map((_, i) => ({left, right: 14, top: strips_top + i * strip_step, height: strip_height})),
      ],
      xAxis: [
        x_axis(0, false), x_axis(1, false), x_axis(2, strips.length === 0),
        ...strips.map((_, i) => x_axis(3 + i, i === strips.length - 1))
      ],
      yAxis: [
        y_axis(0, 'requests/s'), y_axis(1, 'in flight'),
        {gridIndex: 2, type: 'value', min: 0, max: spans_height, inverse: true, show: false},
        ...strips.map((strip, i) => ({...y_axis(3 + i, strip.name), max: strip.max}))
      ],
      tooltip: tip(
          theme,
          (item) => {
            const span = chart.spans[item.dataIndex];
            if (!span || item.seriesType !== 'custom') return [];
            const wait = span[3] === null ? 'no token' : `first token after ${short(span[3] - span[2])} s`;
            return [
              `${chart.classes[span[0]]}: ${outcomes[span[5]]}`,
              `${wait}, end after ${short(span[4] - span[2])} s`
            ];
          }),
      series: [
        strip(0, 'arrivals', chart.arrivals, 1, false),
        strip(0, 'completions', chart.completions, 2, false),
        strip(1, 'in flight', chart.in_flight, 1.5, true),
        {
          type: 'custom',
          xAxisIndex: 2,
          yAxisIndex: 2,
          clip: true,
          data: chart.spans.map((span) => [span[2], tops[span[0]] + span[1] * lane_height]),
          renderItem: (params: any, api: any) => {
            const span = chart.spans[params.dataIndex];
            const y = api.coord([0, tops[span[0]] + span[1] * lane_height])[1] as number;
            return {type: 'group', children: span_shapes(span, (s) => api.coord([s, 0])[0], y, base, theme)};
          },
        },
        {
          type: 'custom',
          xAxisIndex: 2,
          yAxisIndex: 2,
          silent: true,
          data: chart.classes.map((_, i) => [0, tops[i]]),
          renderItem: (params: any, api: any) => text_shape(
              chart.classes[params.dataIndex], params.coordSys.x - left + 2,
              (api.coord([0, tops[params.dataIndex]])[1] as number) - 15,
              {fill: theme.text, fontSize: 11, fontWeight: 600}),
        },
        ...strips.flatMap((strip, i) => server_series(strip, 3 + i, base, theme)),
      ],
    },
  };
};
