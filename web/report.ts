// The page's script: draws the charts, sorts and copies tables, opens what a link leads to, and prepares for
// print.
import {type Drawing, type KeyItem, make} from './chart';
import {draw_curves} from './charts/curves';
import {draw_dots} from './charts/dots';
import {draw_lines} from './charts/lines';
import {draw_roofline} from './charts/roofline';
import {draw_timeline} from './charts/timeline';
import {draw_waterfall} from './charts/waterfall';
import {type Chart, type Data, type Raw, read_block} from './data';
import {set_up_raw, set_up_tables} from './tables';
import {type Theme, theme_for} from './theme';

const dark_scheme = window.matchMedia('(prefers-color-scheme: dark)');
const print_media = window.matchMedia('print');

function drawing(chart: Chart, theme: Theme, width: number): Drawing {
  switch (chart.kind) {
    case 'waterfall':
      return draw_waterfall(chart, theme, width);
    case 'roofline':
      return draw_roofline(chart, theme, width);
    case 'lines':
      return draw_lines(chart, theme, width);
    case 'dots':
      return draw_dots(chart, theme, width);
    case 'curves':
      return draw_curves(chart, theme, width);
    case 'timeline':
      return draw_timeline(chart, theme, width);
  }
}

function key_html(items: KeyItem[]): HTMLElement {
  const key = Object.assign(document.createElement('p'), {className: 'key'});
  for (const item of items) {
    const entry = document.createElement('span');
    const mark =
        Object.assign(document.createElement('i'), {className: `mark ${item.shape} ${item.symbol ?? ''}`});
    mark.style.setProperty('--c', item.colour);
    mark.setAttribute('aria-hidden', 'true');
    entry.append(mark, item.label);
    key.append(entry);
  }
  return key;
}

interface Place {
  figure: HTMLElement;
  plot: HTMLElement;
  chart: Chart;
  shown?: ReturnType<typeof make>;
  width: number;
}

function draw(place: Place, theme: Theme) {
  const width = Math.floor(place.plot.clientWidth);
  if (width <= 0) return;
  const {option, height, key} = drawing(place.chart, theme, width);
  place.shown?.dispose();
  place.plot.style.height = `${height}px`;
  place.shown = make(place.plot, width, height);
  place.shown.setOption(option);
  place.width = width;
  place.figure.querySelector('.key')?.remove();
  if (key && key.length > 0) place.plot.before(key_html(key));
}

function open_target() {
  const id = decodeURIComponent(window.location.hash.slice(1));
  const target = id ? document.getElementById(id) : null;
  if (!target) return;
  for (let at: Element|null = target; at; at = at.parentElement)
    if (at instanceof HTMLDetailsElement) at.open = true;
  target.scrollIntoView({block: 'center'});
}

function set_up() {
  const data = read_block<Data>('data');
  const raw = read_block<Raw>('raw');
  const places: Place[] = [];
  document.querySelectorAll<HTMLElement>('figure.chart').forEach((figure) => {
    const chart = data.charts[figure.id];
    const plot = figure.querySelector<HTMLElement>('.plot');
    if (chart && plot) places.push({figure, plot, chart, width: 0});
  });
  const draw_all = (is_print: boolean) =>
      places.forEach((place) => draw(place, theme_for(dark_scheme.matches && !is_print)));
  draw_all(false);
  dark_scheme.addEventListener('change', () => draw_all(print_media.matches));

  let pending = 0;
  window.addEventListener('resize', () => {
    window.clearTimeout(pending);
    pending = window.setTimeout(() => draw_all(print_media.matches), 150);
  });

  const closed: HTMLDetailsElement[] = [];
  window.addEventListener('beforeprint', () => {
    document.querySelectorAll<HTMLDetailsElement>('details:not([open])').forEach((details) => {
      details.open = true;
      closed.push(details);
    });
  });
  window.addEventListener('afterprint', () => closed.splice(0).forEach((details) => {
    details.open = false;
  }));
  print_media.addEventListener('change', (event) => draw_all(event.matches));

  set_up_tables(document);
  document.querySelectorAll<HTMLElement>('.raw[data-trial]').forEach((box) => {
    const trial = raw[box.dataset.trial ?? ''];
    if (trial) set_up_raw(box, trial);
  });
  window.addEventListener('hashchange', open_target);
  open_target();
  document.documentElement.dataset.ready = String(places.length);
}

set_up();
