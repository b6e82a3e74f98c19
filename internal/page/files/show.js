// Helpers to show data. Texts come from outside (topics, clusters, reasons), so they only ever become text nodes.

const svgNS = 'http://www.w3.org/2000/svg';

export const $ = (id) => document.getElementById(id);

// say sets the text of a node if it differs: a selection stays, and nothing is read aloud twice.
export function say(node, text) {
  text = String(text);
  if (node.textContent !== text) node.textContent = text;
  return node;
}

// make returns an element with attributes, whose names are fixed, and children: nodes or texts.
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function draw(tag, attributes) {
  const node = document.createElementNS(svgNS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// each gives parent one child for each item, in order. An item with the same key keeps its element.
export function each(parent, items, keyOf, create, fill) {
  const old = parent.children_ ?? new Map();
  const now = new Map();
  items.forEach((item, i) => {
    const key = keyOf(item);
    const node = old.get(key) ?? create(item);
    fill(node, item);
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
    now.set(key, node);
  });
  for (const [key, node] of old) if (!now.has(key)) node.remove();
  parent.children_ = now;
}

// rows shows items in a table: a cell is a text, or { text, note, status }.
export function rows(body, items, keyOf, cellsOf) {
  const labels = [...body.closest('table').querySelectorAll('th[role=columnheader]')].map((th) => th.textContent);
  const create = () => {
    const row = make('tr', { role: 'row' });
    labels.forEach((label, i) => {
      const cell = make(i ? 'td' : 'th', i ? { role: 'cell' } : { role: 'rowheader', scope: 'row' }, make('span'), make('small'));
      cell.dataset.label = label;
      row.append(cell);
    });
    return row;
  };
  each(body, items, keyOf, create, (row, item) => {
    row.dataset.key = keyOf(item);
    cellsOf(item).forEach((cell, i) => {
      const { text, note = '', status = '' } = typeof cell === 'object' ? cell : { text: cell };
      const node = row.children[i];
      node.dataset.status = status;
      say(node.firstChild, text);
      say(node.lastChild, note);
    });
  });
}

export function pairs(list, items) {
  const create = () => make('div', {}, make('dt'), make('dd'));
  each(list, items, ([name]) => name, create, (node, [name, value]) => {
    say(node.firstChild, name);
    say(node.lastChild, value);
  });
}

// links adds the links to other pages of the program. If that fails, they are left out.
export async function links(node) {
  try {
    const answer = await fetch('links', { cache: 'no-store' });
    for (const l of await answer.json()) node.append(make('a', { href: l.address }, l.text), '. ');
  } catch { /* the page says by itself that the program does not answer */ }
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const number = (n) => whole.format(n);
export const rate = (n) => (n === 0 || n >= 10 ? whole : tenth).format(n);

export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) { n /= 1024; i++; }
  return (i && n < 100 ? tenth.format(n).replace(/\.0$/, '') : whole.format(n)) + ' ' + units[i];
}

// span formats seconds for people, with two units at most.
export function span(s) {
  if (s <= 0) return '0 s';
  if (s < 0.9995) return s < 0.00995 ? `${tenth.format(s * 1000).replace(/\.0$/, '')} ms` : `${whole.format(s * 1000)} ms`;
  if (s < 9.95) return `${tenth.format(s).replace(/\.0$/, '')} s`;
  s = Math.round(s);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min` + (s % 60 ? ` ${s % 60} s` : '');
  const minutes = Math.floor(s / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h` + (minutes % 60 ? ` ${minutes % 60} min` : '');
  const hours = Math.floor(minutes / 60);
  return `${whole.format(Math.floor(hours / 24))} d` + (hours % 24 ? ` ${hours % 24} h` : '');
}

// about formats seconds as an estimate.
export function about(s) {
  if (s < 90) return `${Math.max(10, Math.round(s / 10) * 10)} s`;
  return s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

// clock formats a local time, with the date if that is not today.
export function clock(at, now) {
  const two = (n) => String(n).padStart(2, '0');
  const d = new Date(at);
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return d.toDateString() === new Date(now).toDateString() ? time : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`;
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
