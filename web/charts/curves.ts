// Cumulative curves of a latency: thick in the mix, thin alone; the limit as a line across.
import {axis_style, base_option, type Draw, log_axis, tip} from '../chart';
import type {CurvesChart} from '../data';
import {colour, faded, ms_text} from '../theme';

export const draw_curves: Draw<CurvesChart> = (chart, theme, width) => {
  const xs =
      chart.series.flatMap((series) => [series.x.find((x) => x > 0) ?? 1, series.x[series.x.length - 1]]);
  if (chart.limit !== undefined) xs.push(chart.limit);
  const low = Math.min(...xs) / 1.15, high = Math.max(...xs) * 1.15;
  const limits = chart.limit === undefined ? [] : [{
    xAxis: chart.limit,
    label: {
      formatter: () => `limit ${ms_text(chart.limit!)}`,
      position: 'end',
      distance: 3,
      color: theme.text,
      fontSize: 11
    },
    lineStyle: {color: theme.text, type: 'solid', width: 1}
  }];
  const required = chart.required === undefined ? [] : [{
    yAxis: chart.required * 100,
    label: {show: false},
    lineStyle: {color: theme.muted, type: [2, 3], width: 1}
  }];
  return {
    height: 220,
    key: chart.series.map((series) => ({
                            label: `${series.label}, ${series.phase}`,
                            colour: colour(theme, series.colour),
                            shape: series.phase === 'mix' ? 'thick' : 'thin'
                          })),
    option: {
      ...base_option(theme),
      grid: {left: 42, right: 18, top: 22, bottom: 40},
      xAxis: {
        ...log_axis(theme, low, high, width / 60, ms_text),
        name: 'log scale',
        nameLocation: 'middle',
        nameGap: 24
      },
      yAxis: {
        ...axis_style(theme),
        type: 'value',
        min: 0,
        max: 100,
        interval: 25,
        axisLabel: {color: theme.muted, fontSize: 11, formatter: (value: number) => `${value} %`}
      },
      tooltip: {
        ...tip(
            theme,
            (items) => (items as any[])
                           .map(
                               (item) => `${item.seriesName}: ${item.data[1].toFixed(1)} % within ${
                                   ms_text(item.data[0])}`)),
        trigger: 'axis'
      },
      series: chart.series.map((series, i) => {
        const base = colour(theme, series.colour);
        const is_mix = series.phase === 'mix';
        return {
          type: 'line',
          name: `${series.label}, ${series.phase}`,
          step: 'end',
          showSymbol: false,
          z: is_mix ? 3 : 2,
          lineStyle: {color: is_mix ? base : faded(base, 0.75), width: is_mix ? 2.5 : 1},
          itemStyle: {color: base},
          data: series.x.map((x, at) => [Math.max(x, low), series.y[at] * 100]),
          markLine: i === 0 ?
              {silent: true, symbol: 'none', animation: false, data: [...limits, ...required]} :
              undefined,
        };
      }),
    },
  };
};
