// The data block of the page, as src/report/charts.cc writes it.

export type EvidenceClass = 'claimed'|'reported'|'measured'|'simulated'|'derived';
export type Validity = 'doubtful'|'void'|'insufficient';

export interface Value {
  value: number;
  low?: number;
  high?: number;
  text: string;
  record: number;
  class: EvidenceClass;
  validity?: Validity;
}

export interface WaterfallStep {
  level: string;
  value: number|null;
  label?: string;
  low?: number;
  high?: number;
  loss: string;
  basis: string;
  class: EvidenceClass;
  validity?: Validity;
}
export interface WaterfallChart {
  kind: 'waterfall';
  unit: string;
  colour: number;
  steps: WaterfallStep[];
}

export interface RooflinePoint extends Value {
  name: string;
  group: string;
  x: number;
  best: boolean;
}
export interface Ceiling {
  name: string;
  bandwidth: boolean;
  value: number;
  class: EvidenceClass;
  validity?: Validity;
}
export interface RooflineChart {
  kind: 'roofline';
  colour: number;
  points: RooflinePoint[];
  ceilings: Ceiling[];
}

export interface LinePoint extends Value {
  x: number;
}
export interface LinesChart {
  kind: 'lines';
  x_title: string;
  x_bytes: boolean;
  y_title: string;
  y_log?: boolean;
  series: {label: string; colour: number; points: LinePoint[]}[];
}

export interface DotsChart {
  kind: 'dots';
  unit: string;
  log: boolean;
  rows: string[];
  series: {label: string; colour: number; values: (Value | null)[]}[];
  marks?: (number|null)[];
  mark_label?: string;
}

export interface CurvesChart {
  kind: 'curves';
  unit: string;
  limit?: number;
  required?: number;
  series: {label: string; phase: string; colour: number; n: number; x: number[]; y: number[]}[];
}

// Samples beside the requests: what is not known at an instant is null, what is not told at all absent.
export interface ServerSeries {
  at?: number[];
  running?: (number|null)[];
  waiting?: (number|null)[];
  kv_usage?: (number|null)[];
  power_at?: number[];
  power_w?: (number|null)[];
  power_sensor?: string;
}

// class, lane, scheduled, first token (or none), end, outcome: 0 good, 1 missed a limit, 2 failed, 3 broken off by plan
export type Span = [number, number, number, number | null, number, number];
export interface TimelineChart {
  kind: 'timeline';
  colour: number;
  bin_s: number;
  classes: string[];
  lanes: number[];
  arrivals: number[];
  completions: number[];
  in_flight: number[];
  server?: ServerSeries;
  spans: Span[];
}

export type Chart = WaterfallChart|RooflineChart|LinesChart|DotsChart|CurvesChart|TimelineChart;
export interface Data {
  subjects: string[];
  charts: Record<string, Chart>;
}

export interface RawTrial {
  classes: string[];
  columns: Record<string, number[]>;
}
export type Raw = Record<string, RawTrial>;

export function read_block<T>(id: string): T {
  return JSON.parse(document.getElementById(id)?.textContent ?? '{}') as T;
}
