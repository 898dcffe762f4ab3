// Lines through measured points with whiskers, over a logarithmic axis of sizes or counts.
import {axis_style, base_option, type Draw, log_axis, tip, whisker} from '../chart';
import type {LinePoint, LinesChart} from '../data';

import {bytes_text, colour, doubt_mark, evidence_style, short} from '../theme';

const whisker_gap = 5;
const symbols = ['circle', 'rect', 'triangle', 'diamond'];

export const draw_lines: Draw<LinesChart> = (chart, theme, width) => {
  const xs = chart.series.flatMap((series) => series.points.map((point) => point.x));
  const x_text = chart.x_bytes ? bytes_text : short;
  const same_colour = new Set(chart.series.map((series) => series.colour)).size < chart.series.length;
  const symbol = (i: number) => (same_colour ? symbols[i % symbols.length] : 'circle');
  const series: object[] = [];
  chart.series.forEach((one, i) => {
    const base = colour(theme, one.colour);
    series.push({
      type: 'line',
      name: one.label,
      symbol: symbol(i),
      symbolSize: 7,
      z: 3,
      lineStyle: {color: base, width: i % 2 === 1 && same_colour ? 1 : 2},
      itemStyle: {color: base},
      data: one.points.map((point) => {
        const style = evidence_style(theme, base, point.class);
        return {
          value: [point.x, point.value],
          point,
          itemStyle: {color: style.fill, borderColor: style.stroke},
          label: {
            show: point.validity !== undefined,
            formatter: () => doubt_mark(point.validity),
            color: theme.text
          }
        };
      }),
    });
    const with_interval = one.points.filter((point) => point.low !== undefined && point.high !== undefined);
    series.push({
      type: 'custom',
      silent: true,
      z: 2,
      data: with_interval.map((point) => [point.x, point.low, point.high]),
      renderItem: (_: any, api: any) => {
        const a = api.coord([api.value(0), api.value(1)]), b = api.coord([api.value(0), api.value(2)]);
        // Beside each other, in the colour of their line: over one point, two would read as one.
        const aside = (i - (chart.series.length - 1) / 2) * whisker_gap;
        return {type: 'group', children: whisker(a[0] + aside, a[1], b[0] + aside, b[1], base)};
      },
    });
  });
  const ys = chart.series
                 .flatMap(
                     (one) => one.points.flatMap(
                         (point) => [point.value, point.low ?? point.value, point.high ?? point.value]))
                 .filter((y) => y > 0);
  const y_axis = chart.y_log && ys.length > 0 ?
      log_axis(theme, Math.min(...ys) / 1.2, Math.max(...ys) * 1.2, 8, short) :
      {...axis_style(theme), type: 'value', min: 0};
  // The measured sizes themselves are the ticks: they are few, and powers of two.
  const ticks = [...new Set(xs)].sort((a, b) => a - b);
  const axis = log_axis(theme, Math.min(...xs) / 1.2, Math.max(...xs) * 1.2, width / 60, x_text);
  const x_axis = {
    ...axis,
    logBase: 2,
    axisTick: {...axis.axisTick, customValues: ticks},
    axisLabel: {...axis.axisLabel, customValues: ticks}
  };
  return {
    height: width < 420 ? 240 : 280,
    key: chart.series.length > 1 || !same_colour ?
        chart.series.map(
            (one, i) =>
                ({label: one.label, colour: colour(theme, one.colour), shape: 'dot', symbol: symbol(i)})) :
        undefined,
    option: {
      ...base_option(theme),
      grid: {left: 48, right: 16, top: 24, bottom: 42},
      xAxis: {...x_axis, name: `${chart.x_title}, log`, nameLocation: 'middle', nameGap: 26},
      yAxis: {
        ...y_axis,
        name: chart.y_title,
        nameGap: 8,
        nameTextStyle: {color: theme.muted, fontSize: 11, align: 'left', padding: [0, 0, 0, -40]}
      },
      tooltip:
          tip(theme,
              (item) => {
                const point = item.data?.point as LinePoint | undefined;
                return point ? [`${item.seriesName}, ${x_text(point.x)}`, point.text] : [];
              }),
      series,
    },
  };
};
