// The strips of a timeline that the server and the power sensors tell, under the requests: what was sampled, joined
// by straight lines, with a gap where nothing is known.
import type {ServerSeries} from '../data';

import {faded, type Theme} from '../theme';

interface Line {
  label: string;
  values: (number|null)[];
  at: number[];
  strong: boolean;
}
export interface ServerStrip {
  name: string;  // of the axis, with its unit
  max?: number;
  lines: Line[];
}

export function server_strips(server: ServerSeries|undefined): ServerStrip[] {
  const strips: ServerStrip[] = [];
  const at = server?.at ?? [];
  const line = (label: string, values: (number|null)[]|undefined, strong: boolean): Line[] =>
      values ? [{label, values, at, strong}] : [];
  const queue = [...line('running', server?.running, true), ...line('waiting', server?.waiting, false)];
  if (queue.length > 0) strips.push({name: 'requests, as the server tells', lines: queue});
  const share = server?.kv_usage?.map((value) => value === null ? null : value * 100);
  if (share) strips.push({name: 'KV cache in use, %', max: 100, lines: line('KV cache', share, true)});
  if (server?.power_w && server.power_at)
    strips.push({
      name: `power, W (${server.power_sensor ?? ''})`,
      lines: [{label: 'power', values: server.power_w, at: server.power_at, strong: true}]
    });
  return strips;
}

export function server_series(strip: ServerStrip, axis: number, base: string, theme: Theme): object[] {
  return strip.lines.map((line) => ({
    type: 'line',
    name: line.label,
    xAxisIndex: axis,
    yAxisIndex: axis,
    showSymbol: line.values.length === 1,
    connectNulls: false,
    silent: true,
    clip: true,
    data: line.values.map((value, i) => [line.at[i], value ?? '-']),
    itemStyle: {color: line.strong ? base : theme.text},
    lineStyle: line.strong ? {color: base, width: 1.5} : {color: theme.text, width: 1.2, type: 'dashed'},
    areaStyle: line.strong ? {color: faded(base, 0.25)} : undefined,
  }));
}
