// Roofline: kernels as points under ceilings, both axes logarithmic (Williams, Waterman, Patterson, 2009).
import {base_option, type Draw, log_axis, text_shape, tip} from '../chart';
import type {Ceiling, RooflineChart, RooflinePoint} from '../data';

import {colour, doubt_mark, evidence_line, evidence_style, short, type Theme} from '../theme';

const giga_per_tera = 1000;
const label_gap = 14;
const narrow_px = 340;
const slope_gap = 18;  // between slopes, for a name between them
// Of names' letters, about, in a wide chart and in a narrow one.
const letters = {
  wide: {size: 11, px: 6},
  narrow: {size: 9.5, px: 5}
};
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

// Heights of labels that want to stand at `wanted`, pushed apart and kept between `top` and `bottom`.
function spread(wanted: number[], top: number, bottom: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const heights = [...wanted];
  order.forEach((i, at) => {
    heights[i] = Math.max(heights[i], at > 0 ? heights[order[at - 1]] + label_gap : top);
  });
  let limit = bottom;
  for (const i of order.reverse()) {
    heights[i] = Math.min(heights[i], limit);
    limit = heights[i] - label_gap;
  }
  return heights;
}

function name_of(point: RooflinePoint): string {
  return point.group.replace('matrix-vector', 'mat-vec') + doubt_mark(point.validity);
}

// Where the column of names stands: in the widest gap between the points, so that the thin lines from it go
// to both sides and cross no name; left of all where there is none to speak of. Its right edge.
function column_of(xs: number[], left: number, name_width: number): number {
  const sorted = [...xs].sort((a, b) => a - b);
  let column = sorted[0] - 26, widest = 0.8 * name_width;
  for (let i = 1; i < sorted.length; ++i) {
    const gap = sorted[i] - sorted[i - 1];
    if (gap < widest) continue;
    widest = gap;
    column = (sorted[i - 1] + sorted[i] + name_width) / 2;
  }
  return Math.max(left + name_width, column);
}

// The best points' names in one column, each tied to its point by a thin line; of the kernels that only move
// data, at their points.
function point_labels(
    points: RooflinePoint[], place: Place, left: number, right: number, bottom: number, theme: Theme) {
  const letter = right - left < narrow_px ? letters.narrow : letters.wide;
  const best = points.filter((point) => point.best);
  const crowd = best.filter((point) => symbol_of(point) !== 'triangle');
  const shapes: object[] = [];
  const at = crowd.map((point) => place(point.x, point.value));
  const widths = crowd.map((point) => name_of(point).length * letter.px);
  const column = column_of(at.map(([x]) => x), left, Math.max(0, ...widths));
  // The highest point touches its ceiling, whose name stands there.
  const heights = spread(at.map(([, y]) => y), Math.min(...at.map(([, y]) => y)) + 9, bottom - 8);
  crowd.forEach((point, i) => {
    const [x, y] = at[i];
    shapes.push({
      type: 'line',
      silent: true,
      shape: {x1: x > column ? column + 2 : column - widths[i] - 2, y1: heights[i], x2: x, y2: y},
      style: {stroke: theme.line, lineWidth: 1}
    });
  });
  crowd.forEach((point, i) => {
    shapes.push(text_shape(name_of(point), column, heights[i], {
      fill: theme.text,
      stroke: theme.ground,
      lineWidth: 3,
      fontSize: letter.size,
      align: 'right',
      verticalAlign: 'middle'
    }));
  });
  for (const point of best.filter((one) => symbol_of(one) === 'triangle')) {
    const [x, y] = place(point.x, point.value);
    shapes.push(text_shape(name_of(point), x - 8, y, {
      fill: theme.text,
      stroke: theme.ground,
      lineWidth: 3,
      fontSize: 11,
      align: 'right',
      verticalAlign: 'middle'
    }));
  }
  return shapes;
}

// Whether two names that end at their right edges share room, by the width of their letters.
function stands_on(a: any, b: any): boolean {
  if (a.type !== 'text' || b.type !== 'text' || a.rotation) return false;
  const left = (one: any) => one.style.x - one.style.text.length * letters.wide.px;
  const is_beside = a.style.x < left(b) || b.style.x < left(a);
  return !is_beside && Math.abs(a.style.y - letters.wide.size / 2 - b.style.y) < label_gap - 2;
}

// Flat ceilings are named at their right ends, where no point's name stands, slopes along the slope, the
// steepest outside the roof, another where the one above leaves room. The key names them all in full.
function ceiling_labels(
    ceilings: Ceiling[], place: Place, left: number, bottom: number, x_min: number, x_max: number,
    theme: Theme) {
  const shapes: object[] = [];
  const text_of = (ceiling: Ceiling) =>
      ceiling.name.replace(/^compute /, '').replace(/ TFLOP\/s$/, '') + doubt_mark(ceiling.validity);
  const flats = ceilings.filter((ceiling) => !ceiling.bandwidth).sort((a, b) => a.value - b.value);
  let above = Infinity;
  for (const ceiling of flats) {
    const [x, y] = place(x_max, ceiling.value);
    if (y > above) continue;  // the name of the one below needs its room
    above = y - label_gap;
    shapes.push(text_shape(text_of(ceiling), x - 2, y - 3, {
      fill: theme.muted,
      stroke: theme.ground,
      lineWidth: 2,
      fontSize: 10.5,
      align: 'right',
      verticalAlign: 'bottom'
    }));
  }
  const slopes = ceilings.filter((ceiling) => ceiling.bandwidth).sort((a, b) => b.value - a.value);
  if (place(x_max, 1)[0] - left < narrow_px) return shapes;
  let beside = -Infinity;  // where the slope before crosses the bottom
  slopes.forEach((ceiling, i) => {
    const [from, to] = ceiling_points(ceiling, ceilings, x_min, x_max);
    const [x1, y1] = place(...from), [x2, y2] = place(...to);
    const angle = Math.atan2(y1 - y2, x2 - x1);
    const foot = x1 - (bottom - y1) / Math.tan(angle);
    const has_room = (foot - beside) * Math.sin(angle) > slope_gap &&
        Math.hypot(x2 - x1, y2 - y1) > text_of(ceiling).length * letters.wide.px;
    beside = foot;
    if (!has_room) return;
    const share = i === 0 ? 0.68 : 0.55;
    shapes.push({
      ...text_shape(
          text_of(ceiling), 0, 0,
          {fill: theme.muted, fontSize: 10.5, align: 'center', verticalAlign: 'bottom'}),
      x: x1 + share * (x2 - x1) - 3 * Math.sin(angle),
      y: y1 + share * (y2 - y1) - 3 * Math.cos(angle),
      rotation: angle,
    });
  });
  return shapes;
}

export const draw_roofline: Draw<RooflineChart> = (chart, theme, width) => {
  const base = colour(theme, chart.colour);
  const xs = chart.points.map((point) => point.x);
  const x_min = Math.min(...xs) / 3, x_max = Math.max(...xs) * 2.5;
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
            const bottom = height - grid.bottom;
            const names = point_labels(points, place, grid.left, width - grid.right, bottom, theme);
            // The key names the ceilings, too: a point's name goes first.
            const ceilings = ceiling_labels(chart.ceilings, place, grid.left, bottom, x_min, x_max, theme)
                                 .filter((one) => !names.some((name) => stands_on(one, name)));
            return {type: 'group', children: [...names, ...ceilings]};
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
              symbolSize: point.best ? (width < narrow_px + 60 ? 7 : 9) : 5,
              itemStyle: {color: style.fill, borderColor: style.stroke, opacity: point.best ? 1 : 0.45}
            };
          }),
        },
      ],
    },
  };
};
