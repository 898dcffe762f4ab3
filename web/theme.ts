// Colours and the one visual language for evidence: claimed hollow and dashed, reported hatched, measured
// solid, simulated dotted, derived solid and lighter.
import type {EvidenceClass, Validity} from './data';

export interface Theme {
  is_dark: boolean;
  text: string;
  muted: string;
  line: string;
  ground: string;
  subjects: string[];
}

// Okabe and Ito's palette (2008), the two that fade on their ground made darker or lighter.
const light: Theme = {
  is_dark: false,
  text: '#1c2127',
  muted: '#5b6672',
  line: '#d5dbe1',
  ground: '#ffffff',
  subjects: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b07d00', '#2b8fc9', '#7a7200', '#444c56'],
};
const dark: Theme = {
  is_dark: true,
  text: '#e6e9ed',
  muted: '#9aa5b1',
  line: '#39424d',
  ground: '#15191e',
  subjects: ['#56a8e0', '#f0894a', '#2fbf95', '#dd9cc1', '#e69f00', '#8cc9f0', '#f0e442', '#b8c0c9'],
};

export function theme_for(is_dark: boolean): Theme { return is_dark ? dark : light; }

export function colour(theme: Theme, subject: number): string {
  return theme.subjects[subject % theme.subjects.length];
}

// `colour` is one of the theme's #rrggbb.
export function faded(colour: string, opacity: number): string {
  const part = (at: number) => parseInt(colour.slice(at, at + 2), 16);
  return `rgba(${part(1)},${part(3)},${part(5)},${opacity})`;
}

// Fill and outline of a bar or point.
export function evidence_style(theme: Theme, base: string, evidence: EvidenceClass) {
  switch (evidence) {
    case 'claimed':
      return {fill: theme.ground, stroke: base, lineWidth: 1.5, lineDash: [4, 3]};
    case 'reported':
      return {fill: faded(base, 0.3), stroke: base, lineWidth: 1, pattern: 'hatched' as const};
    case 'simulated':
      return {fill: faded(base, 0.2), stroke: base, lineWidth: 1, pattern: 'dotted' as const};
    case 'derived':
      return {fill: faded(base, 0.45), stroke: faded(base, 0.45), lineWidth: 1};
    case 'measured':
      return {fill: base, stroke: base, lineWidth: 1};
  }
}

export function evidence_line(base: string, evidence: EvidenceClass) {
  switch (evidence) {
    case 'claimed':
      return {color: base, width: 1.5, type: [5, 4] as number[]};
    case 'reported':
      return {color: base, width: 1.5, type: [10, 3, 2, 3] as number[]};
    case 'simulated':
      return {color: base, width: 1.5, type: [2, 3] as number[]};
    case 'derived':
      return {color: faded(base, 0.5), width: 1.5, type: 'solid' as const};
    case 'measured':
      return {color: base, width: 2, type: 'solid' as const};
  }
}

export function doubt_mark(validity: Validity|undefined): string {
  return validity === 'doubtful' ? ' ⚠' : validity === 'void' ? ' ⚠ void' : '';
}

export const font = 'system-ui, -apple-system, \'Segoe UI\', Roboto, \'DejaVu Sans\', sans-serif';

// Number as text with three significant digits, for axes and tips.
export function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 10000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

export function bytes_text(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return `${Number(value.toPrecision(4))} ${units[unit]}`;
}

export function ms_text(value: number): string {
  if (value < 1) return `${short(value * 1000)} µs`;
  return value < 1000 ? `${short(value)} ms` : `${short(value / 1000)} s`;
}
