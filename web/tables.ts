// Tables: sortable by their heads, copied as TSV. Raw requests become a table when asked for.
import type {RawTrial} from './data';

const shown_rows = 500;

function cell_key(row: HTMLTableRowElement, column: number): string {
  const cell = row.cells[column];
  return cell.dataset.sort || cell.textContent || '';
}

// Numbers by size, what is no number behind them, text by its letters.
function compare(a: string, b: string): number {
  const x = a === '' ? NaN : Number(a), y = b === '' ? NaN : Number(b);
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return a.localeCompare(b, 'en', {numeric: true});
}

function sort(table: HTMLTableElement, column: number, head: HTMLTableCellElement) {
  const is_up = head.getAttribute('aria-sort') !== 'ascending';
  for (const other of table.querySelectorAll('th')) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', is_up ? 'ascending' : 'descending');
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).sort(
      (a, b) => compare(cell_key(a, column), cell_key(b, column)) * (is_up ? 1 : -1));
  body.append(...rows);
}

export function as_tsv(table: HTMLTableElement): string {
  const clean = (cell: HTMLElement) => {
    const copy = cell.cloneNode(true) as HTMLElement;
    copy.querySelectorAll('.print').forEach((part) => part.remove());
    return (copy.textContent ?? '').replace(/\s+/g, ' ').trim();
  };
  return Array.from(table.rows).map((row) => Array.from(row.cells).map(clean).join('\t')).join('\n') + '\n';
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages opened from disk may lack the clipboard: a hidden field does it everywhere.
    const field = Object.assign(document.createElement('textarea'), {value: text});
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}

function copy_button(text: () => string): HTMLButtonElement {
  const button = Object.assign(
      document.createElement('button'), {type: 'button', className: 'copy', textContent: 'copy as TSV'});
  button.addEventListener('click', async () => {
    button.textContent = (await copy(text())) ? 'copied' : 'could not copy';
    window.setTimeout(() => (button.textContent = 'copy as TSV'), 1500);
  });
  return button;
}

function set_up(box: HTMLElement) {
  const table = box.querySelector('table');
  if (!table) return;
  table.querySelectorAll('th').forEach((head, column) => {
    const button = Object.assign(document.createElement('button'), {type: 'button', className: 'sort'});
    button.append(...Array.from(head.childNodes));
    button.addEventListener('click', () => sort(table, column, head));
    head.append(button);
  });
  box.after(copy_button(() => as_tsv(table)));
}

export function set_up_tables(root: ParentNode) {
  root.querySelectorAll<HTMLElement>('.table').forEach(set_up);
}

function raw_rows(raw: RawTrial): {names: string[]; rows: string[][]} {
  const names = Object.keys(raw.columns);
  const length = Math.max(0, ...names.map((name) => raw.columns[name].length));
  const text = (name: string, i: number) => {
    const value = raw.columns[name][i];
    return name === 'class' && raw.classes?.[value] !== undefined ? raw.classes[value] :
        value === undefined                                       ? '' :
                                                                    String(value);
  };
  return {names, rows: Array.from({length}, (_, i) => names.map((name) => text(name, i)))};
}

// The place that names the export command gets a button that shows the requests at once, where they travel
// with the page.
export function set_up_raw(box: HTMLElement, raw: RawTrial) {
  const {names, rows} = raw_rows(raw);
  const button = Object.assign(
      document.createElement('button'),
      {type: 'button', className: 'copy', textContent: `show ${rows.length} raw requests`});
  button.addEventListener('click', () => {
    button.remove();
    const holder = Object.assign(document.createElement('div'), {className: 'table tall', tabIndex: 0});
    const table = document.createElement('table');
    const head = table.createTHead().insertRow();
    for (const name of names)
      head.append(Object.assign(document.createElement('th'), {textContent: name, className: 'num'}));
    const body = table.createTBody();
    for (const row of rows.slice(0, shown_rows)) {
      const line = body.insertRow();
      for (const value of row) Object.assign(line.insertCell(), {textContent: value, className: 'num'});
    }
    holder.append(table);
    const all = copy_button(() => [names, ...rows].map((row) => row.join('\t')).join('\n') + '\n');
    box.append(holder, all);
    if (rows.length > shown_rows)
      box.append(Object.assign(
          document.createElement('p'),
          {className: 'small', textContent: `The first ${shown_rows} are shown; the copy has all.`}));
  });
  box.append(button);
}
