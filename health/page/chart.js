// Samples of the figures over time, and their charts.

import { draw, make, each, say, number, rate, span } from './show.js';

const samplesMax = 3700; // an hour, one a second
const pointsMax = 100;
const samples = []; // the oldest first

// take remembers the figures of one poll.
export function take(d) {
  if (samples.at(-1)?.at >= d.at) return;
  const refused = d.refused.reduce((sum, r) => sum + r.records, 0);
  samples.push({
    at: d.at, in: d.total.accepted, out: d.total.delivered, lost: d.total.lost + refused, requests: d.traffic.requests,
    requestRecords: d.traffic.request_records, held: d.held, delivery: d.delivery, lanes: Object.fromEntries(d.lanes.map((l) => [l.priority, l.accepted])),
  });
  if (samples.length > samplesMax) samples.shift();
}

// recall adds the program's own samples where the page has none: from before it was opened, or while it slept.
export function recall(list) {
  const near = (s) => at(s.at + 2000)?.at > s.at - 2000;
  samples.push(...list.filter((s) => !near(s)));
  samples.sort((a, b) => a.at - b.at);
  samples.splice(0, samples.length - samplesMax);
}

export const forget = () => { samples.length = 0; };

// upTo returns how many samples were taken at or before a time.
function upTo(time) {
  let low = 0, high = samples.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (samples[middle].at <= time) low = middle + 1; else high = middle;
  }
  return low;
}

// at returns the last sample up to a time, after the first from a time on.
const at = (time) => samples[upTo(time) - 1];
const after = (time) => (at(time)?.at === time ? at(time) : samples[upTo(time)]);

// between returns the rates between two samples, null without two to compare.
function between(a, b, bounds) {
  if (!a || !b || b.at <= a.at) return null;
  const seconds = (b.at - a.at) / 1000;
  const per = (name) => Math.max(0, b[name] - a[name]) / seconds;
  const buckets = b.delivery.map((n, i) => Math.max(0, n - a.delivery[i]));
  return {
    in: per('in'), out: per('out'), lost: per('lost'), requests: per('requests'),
    perRequest: b.requests > a.requests ? (b.requestRecords - a.requestRecords) / (b.requests - a.requests) : null,
    p50: quantile(buckets, bounds, 0.5), p99: quantile(buckets, bounds, 0.99),
    lane: (priority) => Math.max(0, b.lanes[priority] - (a.lanes[priority] ?? 0)) / seconds,
  };
}

// lately returns the rates of the last seconds.
export function lately(seconds, bounds) {
  const last = samples.at(-1);
  return last ? between(at(last.at - seconds * 1000) ?? samples[0], last, bounds) : null;
}

// fullIn estimates in how many seconds the memory is full at the present rate, null if it does not fill.
export function fullIn(max) {
  const last = samples.at(-1);
  if (!last || last.held < Math.min(max / 20, 4 << 20)) return null; // that much comes and goes
  const [from, middle] = [30_000, 15_000].map((ago) => at(last.at - ago) ?? samples[0]);
  const took = (last.at - from.at) / 1000;
  if (took > 90 || from.held >= middle.held || middle.held >= last.held) return null;
  const left = (max - last.held) / ((last.held - from.held) / took);
  return left > 0 && left < 86_400 ? left : null;
}

// quantile estimates the quantile q of the delivery time, in seconds; null without records.
export function quantile(buckets, bounds, q) {
  const count = buckets.reduce((sum, n) => sum + n, 0);
  if (count <= 0) return null;
  let rank = q * count;
  for (let i = 0; i < buckets.length; i++) {
    if (buckets[i] > 0 && rank <= buckets[i]) {
      const low = i ? bounds[i - 1] : 0;
      return i < bounds.length ? low + (bounds[i] - low) * (rank / buckets[i]) : low;
    }
    rank -= buckets[i];
  }
  return bounds.at(-1);
}

// series returns the rates in each part of the time shown.
function series(seconds, now, bounds) {
  const bins = Math.min(pointsMax, seconds / 2); // two polls in each at least
  const width = (seconds * 1000) / bins;
  const end = Math.floor(now / width) * width;
  const points = [];
  for (let i = bins; i > 0; i--) {
    const from = end - i * width, a = at(from), b = after(from + width);
    const whole = a && b && Math.max(from - a.at, b.at - from - width) < Math.max(15_000, width); // else there was no poll in that part
    points.push({ x: 1 - (now - from - width / 2) / (seconds * 1000), v: whole ? between(a, b, bounds) : null });
  }
  return points;
}

// charts shows rates and delivery times.
export function charts(rates, times, seconds, now, bounds) {
  const points = series(seconds, now, bounds);
  const values = (name) => points.map((p) => ({ x: p.x, y: p.v?.[name] ?? null }));
  const top = nice(Math.max(1, ...points.map((p) => Math.max(p.v?.in ?? 0, p.v?.out ?? 0, p.v?.lost ?? 0))));
  chart(rates, seconds, [values('in'), values('out'), values('lost')], ['in', 'out', 'lost'], [0, top / 2, top], (y) => y / top, rate);
  const known = points.flatMap((p) => [p.v?.p50, p.v?.p99]).filter((y) => y > 0);
  const from = Math.floor(Math.log10(Math.min(0.001, ...known))), to = Math.max(from + 2, Math.ceil(Math.log10(Math.max(0.1, ...known))));
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
  const log = (y) => (Math.log10(Math.max(y, 10 ** from)) - from) / (to - from);
  chart(times, seconds, [values('p50'), values('p99')], ['p50', 'p99'], ticks, log, (t) => (t < 1 ? span(t) : `${number(t)} s`));
  describe(rates, 'Records per second', values('in'), rate);
  describe(times, 'Delivery time of 99 % of the records', values('p99'), span);
}

// nice returns the next number that is easy to read.
function nice(n) {
  const unit = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 4, 5, 10].find((m) => m * unit >= n) * unit;
}

function chart(box, seconds, lines, names, ticks, scale, format) {
  if (!box.firstChild) {
    box.append(draw('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' }),
      make('div', { class: 'ticks', 'aria-hidden': 'true' }), make('div', { class: 'ends', 'aria-hidden': 'true' }, make('span'), make('span')));
  }
  const [svg, labels, ends] = box.children;
  const grid = ticks.map((t) => draw('line', { class: 'grid', x1: 0, x2: 1000, y1: 100 - 100 * scale(t), y2: 100 - 100 * scale(t) }));
  svg.replaceChildren(...grid, ...lines.map((points, i) => draw('path', { class: names[i], d: path(points, scale) })));
  each(labels, ticks, (t) => t, () => make('span'), (node, t) => {
    say(node, format(t));
    node.style.bottom = `${100 * scale(t)}%`;
  });
  say(ends.firstChild, `${span(seconds)} ago`);
  say(ends.lastChild, 'now');
}

// path joins the points that are known.
function path(points, scale) {
  let d = '', pen = 'M';
  for (const { x, y } of points) {
    if (y === null) { pen = 'M'; continue; }
    d += `${pen}${(1000 * x).toFixed(1)} ${(100 - 100 * scale(y)).toFixed(1)}`;
    if (pen === 'M') d += 'h.1'; // one point alone is seen, too
    pen = 'L';
  }
  return d;
}

function describe(box, what, points, format) {
  const known = points.map((p) => p.y).filter((y) => y !== null);
  const text = known.length ? `${what}: ${format(known.at(-1))} now, ${format(Math.min(...known))} to ${format(Math.max(...known))} in the time shown` : `${what}: not known yet`;
  box.setAttribute('aria-label', text);
}
