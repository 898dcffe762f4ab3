// Roofline: kernels as points under ceilings, both axes logarithmic (Williams, Waterman, Patterson, 2009).
import {base_option, type Draw, log_axis, text_shape, tip} from '../chart';
import type {Ceiling, RooflineChart, RooflinePoint} from '../data';

import {colour, doubt_mark, evidence_line, evidence_style, short, type Theme} from '../theme';

const giga_per_tera = 1000;
const label_gap = 14;
const narrow_px = 340;
type Place = (x: number, y: number) => [number, number];

function symbol_of(point: RooflinePoint): string {
  if (point.group.startsWith('attention')) return 'diamond';
  return point.group.startsWith('triad') || point.group.startsWith('copy') ? 'triangle' : 'circle';
}

// A slope up to the highest flat ceiling, or a flat line from where the steepest slope meets it.
function ceiling_points(ceiling: Ceiling, all: Ceiling[], x_min: number, x_max: number): [number, number][] {
  const flats = all.filter((other) => !other.bandwidth).map((other) => other.value);
  const slopes = all.filter((other) => other.bandwidth).map((other) => other.value / giga_per_tera);
  if (ceiling.bandwidth) {
    const slope = ceiling.value / giga_per_tera;
    const end = flats.length > 0 ? Math.min(x_max, Math.max(...flats) / slope) : x_max;
    return [[x_min, slope * x_min], [end, slope * end]];
  }
  const start = slopes.length > 0 ? Math.max(x_min, ceiling.value / Math.max(...slopes)) : x_min;
  return [[start, ceiling.value], [x_max, ceiling.value]];
}

// Heights of labels that want to stand at `wanted`, pushed apart and kept above `bottom`.
function spread(wanted: number[], bottom: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const heights = [...wanted];
  order.forEach((i, at) => {
    if (at > 0) heights[i] = Math.max(heights[i], heights[order[at - 1]] + label_gap);
  });
  let limit = bottom;
  for (const i of order.reverse()) {
    heights[i] = Math.min(heights[i], limit);
    limit = heights[i] - label_gap;
  }
  return heights;
}

// The best points' names in a column left of them, each tied to its point by a thin line.
function point_labels(points: RooflinePoint[], place: Place, left: number, bottom: number, theme: Theme) {
  const best = points.filter((point) => point.best);
  const crowd = best.filter((point) => symbol_of(point) !== 'triangle');
  const shapes: object[] = [];
  const at = crowd.map((point) => place(point.x, point.value));
  const column = Math.max(left + 96, Math.min(...at.map(([x]) => x)) - 26);
  const heights = spread(at.map(([, y]) => y), bottom - 8);
  crowd.forEach((point, i) => {
    shapes.push({
      type: 'line',
      silent: true,
      shape: {x1: column + 2, y1: heights[i], x2: at[i][0], y2: at[i][1]},
      style: {stroke: theme.line, lineWidth: 1}
    });
    shapes.push(text_shape(point.group + doubt_mark(point.validity), column, heights[i], {
      fill: theme.text,
      stroke: theme.ground,
      lineWidth: 3,
      fontSize: 11,
      align: 'right',
      verticalAlign: 'middle'
    }));
  });
  for (const point of best.filter((one) => symbol_of(one) === 'triangle')) {
    const [x, y] = place(point.x, point.value);
    shapes.push(text_shape(
        point.group + doubt_mark(point.validity), x + 8, y,
        {fill: theme.text, stroke: theme.ground, lineWidth: 3, fontSize: 11, verticalAlign: 'middle'}));
  }
  return shapes;
}

// Flat ceilings are named left of where they begin, outside the roof, slopes along the slope: the highest
// above it, the others below. Where there is no room the key alone names them.
function ceiling_labels(
    ceilings: Ceiling[], place: Place, left: number, x_min: number, x_max: number, theme: Theme) {
  const shapes: object[] = [];
  const flats = ceilings.filter((ceiling) => !ceiling.bandwidth);
  const starts = flats.map((ceiling) => place(...ceiling_points(ceiling, ceilings, x_min, x_max)[0]));
  const heights = spread(starts.map(([, y]) => y), Infinity);
  flats.forEach((ceiling, i) => {
    const text = ceiling.name + doubt_mark(ceiling.validity);
    const x = starts[i][0];
    if (x - left > text.length * 5.6)
      shapes.push(text_shape(
          text, x - 5, heights[i],
          {fill: theme.muted, fontSize: 10.5, align: 'right', verticalAlign: 'middle'}));
  });
  if (place(x_max, 1)[0] - left < narrow_px) return shapes;
  ceilings.filter((ceiling) => ceiling.bandwidth).forEach((ceiling, i) => {
    const [from, to] = ceiling_points(ceiling, ceilings, x_min, x_max);
    const [x1, y1] = place(...from), [x2, y2] = place(...to);
    const angle = Math.atan2(y1 - y2, x2 - x1);
    const share = 0.5, gap = i === 0 ? -6 : 6;
    shapes.push({
      ...text_shape(
          ceiling.name + doubt_mark(ceiling.validity), 0, 0,
          {fill: theme.muted, fontSize: 10.5, align: 'center', verticalAlign: i === 0 ? 'bottom' : 'top'}),
      x: x1 + share * (x2 - x1) + gap * Math.sin(angle) * 0.5,
      y: y1 + share * (y2 - y1) + gap * Math.cos(angle) * 0.5,
      rotation: angle,
    });
  });
  return shapes;
}

export const draw_roofline: Draw<RooflineChart> = (chart, theme, width) => {
  const base = colour(theme, chart.colour);
  const xs = chart.points.map((point) => point.x);
  const x_min = Math.min(...xs) / 2, x_max = Math.max(...xs) * 2.5;
  const ys = chart.points.map((point) => point.value);
  const flats = chart.ceilings.filter((ceiling) => !ceiling.bandwidth).map((ceiling) => ceiling.value);
  const y_max = Math.max(...ys, ...flats) * 2, y_min = Math.min(...ys) / 2;
  const points = [...chart.points].sort((a, b) => Number(a.best) - Number(b.best));
  const x_axis = log_axis(theme, x_min, x_max, width / 80, short);
  const y_axis = log_axis(theme, y_min, y_max, 8, short);
  const grid = {left: 52, right: 14, top: 24, bottom: 42};
  const height = width < 420 ? 340 : 390;
  return {
    height,
    key: chart.ceilings.map((ceiling) => ({
                              label: ceiling.name + doubt_mark(ceiling.validity),
                              colour: evidence_line(base, ceiling.class).color,
                              shape: ceiling.class === 'claimed' ? 'dashed' :
                                  ceiling.class === 'measured'   ? 'thick' :
                                                                   'thin'
                            })),
    option: {
      ...base_option(theme),
      grid,
      xAxis: {...x_axis, name: 'operations per byte (FLOP/B), log', nameLocation: 'middle', nameGap: 26},
      yAxis: {
        ...y_axis,
        name: 'TFLOP/s, log',
        nameLocation: 'end',
        nameGap: 8,
        nameTextStyle: {color: theme.muted, fontSize: 11, align: 'left', padding: [0, 0, 0, -44]}
      },
      tooltip:
          tip(theme,
              (item) => item.data?.point ?
                  [item.data.point.name, item.data.point.text, `${short(item.data.point.x)} FLOP/B`] :
                  []),
      series: [
        ...chart.ceilings.map((ceiling) => ({
                                type: 'line',
                                data: ceiling_points(ceiling, chart.ceilings, x_min, x_max),
                                showSymbol: false,
                                silent: true,
                                clip: true,
                                lineStyle: evidence_line(base, ceiling.class),
                                z: 1,
                              })),
        {
          type: 'custom',
          silent: true,
          z: 2,
          data: [[x_min, y_min]],
          renderItem: (_: any, api: any) => {
            const place: Place = (x, y) => api.coord([x, y]) as [number, number];
            return {
              type: 'group',
              children: [
                ...point_labels(points, place, grid.left, height - grid.bottom, theme),
                ...ceiling_labels(chart.ceilings, place, grid.left, x_min, x_max, theme)
              ]
            };
          },
        },
        {
          type: 'scatter',
          z: 3,
          data: points.map((point) => {
            const style = evidence_style(theme, base, point.class);
            return {
              value: [point.x, point.value],
              point,
              symbol: symbol_of(point),
              symbolSize: point.best ? 9 : 5,
              itemStyle: {color: style.fill, borderColor: style.stroke, opacity: point.best ? 1 : 0.45}
            };
          }),
        },
      ],
    },
  };
};
