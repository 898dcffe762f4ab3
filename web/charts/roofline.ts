// Roofline: kernels as points under ceilings, both axes logarithmic (Williams, Waterman, Patterson, 2009).
import type { Ceiling, RooflineChart, RooflinePoint } from "../data";
import { axis_style, base_option, tip, type Draw } from "../chart";
import { colour, doubt_mark, evidence_line, evidence_style, short, type Theme } from "../theme";

const giga_per_tera = 1000;

function symbol_of(point: RooflinePoint): string {
  if (point.group.startsWith("attention")) return "diamond";
  return point.group.startsWith("triad") || point.group.startsWith("copy") ? "triangle" : "circle";
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

function ceiling_series(ceiling: Ceiling, all: Ceiling[], x_min: number, x_max: number, base: string, theme: Theme) {
  const points = ceiling_points(ceiling, all, x_min, x_max);
  const label = { show: true, formatter: () => ceiling.name + doubt_mark(ceiling.validity), color: theme.muted, fontSize: 10.5, distance: 3 };
  // The name stands along the flat line's right end, and at the slope's lower left.
  const data = points.map((value, i) => ({
    value,
    label: ceiling.bandwidth ? (i === 0 ? { ...label, position: "right", align: "left", offset: [2, 6] } : { show: false })
                             : (i === 1 ? { ...label, position: "left", align: "right", offset: [0, -8] } : { show: false }),
  }));
  return { type: "line", data, showSymbol: true, symbolSize: 0.01, silent: true, lineStyle: evidence_line(base, ceiling.class), z: 1 };
}

export const draw_roofline: Draw<RooflineChart> = (chart, theme, width) => {
  const base = colour(theme, chart.colour);
  const xs = chart.points.map((point) => point.x);
  const x_min = 10 ** Math.floor(Math.log10(Math.min(...xs) / 1.5)), x_max = 10 ** Math.ceil(Math.log10(Math.max(...xs) * 1.5));
  const ys = chart.points.map((point) => point.value);
  const flats = chart.ceilings.filter((ceiling) => !ceiling.bandwidth).map((ceiling) => ceiling.value);
  const y_max = 10 ** (Math.ceil(Math.log10(Math.max(...ys, ...flats) * 1.3) * 2) / 2);
  const y_min = 10 ** Math.floor(Math.log10(Math.min(...ys) / 1.5));
  const decades = (value: number) => (Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6 ? short(value) : "");
  const points = [...chart.points].sort((a, b) => Number(a.best) - Number(b.best));
  return {
    height: width < 420 ? 320 : 380,
    option: {
      ...base_option(theme),
      grid: { left: 52, right: 14, top: 24, bottom: 42 },
      xAxis: { ...axis_style(theme), type: "log", min: x_min, max: x_max, name: "operations per byte (FLOP/B), log", nameLocation: "middle", nameGap: 26, axisLabel: { color: theme.muted, fontSize: 11, formatter: decades } },
      yAxis: { ...axis_style(theme), type: "log", min: y_min, max: y_max, name: "TFLOP/s, log", nameLocation: "end", nameGap: 8, nameTextStyle: { color: theme.muted, fontSize: 11, align: "left", padding: [0, 0, 0, -44] }, axisLabel: { color: theme.muted, fontSize: 11, formatter: decades } },
      tooltip: tip(theme, (item) => item.data?.point ? [item.data.point.name, item.data.point.text, `${short(item.data.point.x)} FLOP/B`] : []),
      series: [
        ...chart.ceilings.map((ceiling) => ceiling_series(ceiling, chart.ceilings, x_min, x_max, base, theme)),
        {
          type: "scatter", z: 3,
          data: points.map((point) => {
            const style = evidence_style(theme, base, point.class);
            return {
              value: [point.x, point.value], point, symbol: symbol_of(point), symbolSize: point.best ? 9 : 5,
              itemStyle: { color: style.fill, borderColor: style.stroke, opacity: point.best ? 1 : 0.45 },
              label: { show: point.best, formatter: () => point.group + doubt_mark(point.validity), position: "left", color: theme.text, fontSize: 11, textBorderColor: theme.ground, textBorderWidth: 2 },
            };
          }),
          labelLayout: { moveOverlap: "shiftY" },
        },
      ],
    },
  };
};
