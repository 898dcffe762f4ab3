// Dots with whiskers, a row a thing, a colour a subject; a bar where a row requires something.
import {axis_style, base_option, type Draw, log_axis, text_shape, tip, whisker} from '../chart';
import type {DotsChart} from '../data';

import {colour, doubt_mark, evidence_style, short} from '../theme';

const row_height = 40;
// Of several series of one subject, which share its colour, as in charts of lines.
const symbols = ['circle', 'rect', 'triangle', 'diamond'];

function mark_shape(symbol: string, x: number, y: number, style: object): object {
  if (symbol === 'rect') return {type: 'rect', shape: {x: x - 4.5, y: y - 4.5, width: 9, height: 9}, style};
  if (symbol === 'triangle')
    return {type: 'polygon', shape: {points: [[x, y - 5.5], [x + 5.5, y + 4.5], [x - 5.5, y + 4.5]]}, style};
  if (symbol === 'diamond')
    return {type: 'polygon', shape: {points: [[x, y - 6], [x + 6, y], [x, y + 6], [x - 6, y]]}, style};
  return {type: 'circle', shape: {cx: x, cy: y, r: 5}, style};
}

export const draw_dots: Draw<DotsChart> = (chart, theme, width) => {
  const values = chart.series.flatMap((series) => series.values.filter((value) => value !== null));
  const ends =
      values.flatMap((value) => [value!.low ?? value!.value, value!.high ?? value!.value, value!.value]);
  const marks = (chart.marks ?? []).filter((mark): mark is number => mark !== null);
  const most = Math.max(...ends, ...marks, 1e-12);
  const positive = ends.filter((end) => end > 0);
  const max = chart.log ? most * 1.3 : chart.unit.startsWith('%') ? 100 : most * 1.08;
  const min = chart.log ? Math.min(...positive, most) / 1.6 : 0;
  const longest = Math.max(...chart.rows.map((row) => row.length), 4);
  const left = Math.min(130, 26 + longest * 7);
  const items =
      chart.series.flatMap((series, s) => series.values.map((value, row) => ({value, row, s, series})));
  const offset = (s: number) => (s - (chart.series.length - 1) / 2) * Math.min(11, 28 / chart.series.length);
  const symbol_of = (s: number) =>
      symbols[chart.series.slice(0, s).filter((one) => one.colour === chart.series[s].colour).length % symbols.length];
  const value_axis = {
    ...axis_style(theme),
    type: 'value',
    min,
    max,
    axisLabel:
        {color: theme.muted, fontSize: 11, hideOverlap: true, showMaxLabel: max === 100, formatter: short}
  };
  return {
    height: chart.rows.length * row_height + 58,
    key: chart.series.map(
        (series, s) => ({
          label: series.label,
          colour: colour(theme, series.colour),
          shape: 'dot' as const,
          symbol: symbol_of(s)
        })),
    option: {
      ...base_option(theme),
      grid: {left, right: 16, top: 6, bottom: 44},
      xAxis: {
        ...(chart.log ? log_axis(theme, min, max, width / 70, short) : value_axis),
        name: chart.log ? `${chart.unit}, log` : chart.unit,
        nameLocation: 'middle',
        nameGap: 26
      },
      yAxis: {
        ...axis_style(theme),
        type: 'category',
        data: chart.rows,
        inverse: true,
        splitLine: {show: true, lineStyle: {color: theme.line, opacity: 0.6}},
        axisLabel: {color: theme.text, fontSize: 12, width: left - 12, overflow: 'truncate'}
      },
      tooltip:
          tip(theme,
              (item) => {
                const one = items[item.dataIndex];
                return [`${chart.rows[one.row]}, ${one.series.label}`, one.value?.text ?? '— unknown'];
              }),
      series: [
        {
          type: 'custom',
          z: 3,
          data: items.map((item) => [item.value?.value ?? min, item.row]),
          renderItem: (params: any, api: any) => {
            const item = items[params.dataIndex];
            const at = api.coord([item.value?.value ?? min, item.row]);
            const y = at[1] + offset(item.s);
            const base = colour(theme, item.series.colour);
            if (item.value === null)
              return text_shape(
                  '— unknown', params.coordSys.x + 4, y,
                  {fill: theme.muted, fontSize: 10.5, verticalAlign: 'middle'});
            const style = evidence_style(theme, base, item.value.class);
            const children: object[] = [];
            if (item.value.low !== undefined && item.value.high !== undefined) {
              const low = Math.max(item.value.low, min);
              children.push(...whisker(
                  api.coord([low, item.row])[0], y, api.coord([item.value.high, item.row])[0], y, base));
            }
            // What is derived is lighter; on a line the ground must not shine through.
            children.push(mark_shape(symbol_of(item.s), at[0], y, {fill: theme.ground}));
            children.push(mark_shape(symbol_of(item.s), at[0], y, {...style, pattern: undefined}));
            if (item.value.validity === 'void')
              children.push({
                type: 'line',
                silent: true,
                shape: {x1: at[0] - 8, y1: y, x2: at[0] + 8, y2: y},
                style: {stroke: theme.text, lineWidth: 1.5}
              });
            if (item.value.validity)
              children.push(text_shape(
                  doubt_mark(item.value.validity).trim(),
                  at[0] > params.coordSys.x + params.coordSys.width - 60 ? at[0] - 8 : at[0] + 8, y, {
                    fill: theme.text,
                    fontSize: 11,
                    verticalAlign: 'middle',
                    align: at[0] > params.coordSys.x + params.coordSys.width - 60 ? 'right' : 'left'
                  }));
            return {type: 'group', children};
          },
        },
        {
          type: 'custom',
          silent: true,
          z: 2,
          data: (chart.marks ?? []).map((mark, row) => [mark ?? 0, row]),
          renderItem: (params: any, api: any) => {
            const mark = chart.marks![params.dataIndex];
            if (mark === null) return {type: 'group', children: []};
            const [x, y] = api.coord([mark, params.dataIndex]);
            return {
              type: 'rect',
              shape: {x: x - 1.5, y: y - row_height / 2 + 5, width: 3, height: row_height - 10},
              style: {fill: theme.muted, opacity: 0.8}
            };
          },
        },
      ],
    },
  };
};
