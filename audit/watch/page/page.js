// The page asks the program for its figures once a second, and shows them.

import { $, say, make, each, rows, number, rate, span, clock, capital, links } from './show.js';

const every = 1000, everyHidden = 5000; // milliseconds between polls
const silent = 3000; // without an answer, until the page says so
const signs = { well: '✓', impaired: '!', faulty: '✕', unknown: '…', silent: '?' };
const looks = { well: 'well', impaired: 'impaired', faulty: 'losing' }; // how page.css calls them

let data = null; // the last answer
let answered = performance.now(); // when it came
let seen = performance.now(); // since when the page is visible: browsers let a hidden page sleep
let asking = false;
let timer = 0;
let samples = []; // of the last seconds, for rates

// ask returns the program's figures, null if it does not answer.
async function ask() {
  try {
    const answer = await fetch('data', { cache: 'no-store', signal: AbortSignal.timeout(silent) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return await answer.json();
  } catch {
    return null; // tellSilence reports it
  }
}

async function poll() {
  if (asking) return;
  clearTimeout(timer);
  asking = true;
  const d = await ask();
  asking = false;
  timer = setTimeout(poll, document.hidden ? everyHidden : every); // first, so that no mistake below ends it
  if (d) {
    if (data && data.began !== d.began) samples = []; // another program
    data = d;
    answered = performance.now();
    if (samples.at(-1)?.at !== d.at) samples.push(d);
    samples = samples.slice(-15);
    show();
  }
  tellSilence();
}

// tellSilence warns when no answer came for a while: the last status may no longer be true.
function tellSilence() {
  const now = performance.now(), away = now - answered;
  const quiet = !document.hidden && Math.min(away, now - seen) > silent;
  document.body.classList.toggle('silent', quiet);
  $('silence').hidden = !quiet || !data;
  if (!quiet) return;
  document.title = `${signs.silent} Forebay audit`;
  $('status').dataset.status = 'unknown';
  say($('sign'), signs.silent);
  say($('summary'), 'The program does not answer.' + (data ? ` The figures are from ${clock(data.at, data.at)}.` : ''));
  if (data) say($('silence'), `That is ${span(Math.round(away / 1000))} ago. It said then: ${data.report.summary}`);
}

function show() {
  const d = data, r = d.report;
  $('status').dataset.status = looks[r.status] ?? 'unknown';
  say($('sign'), signs[r.status] ?? signs.unknown);
  say($('summary'), r.summary);
  document.title = `${signs[r.status] ?? '?'} Forebay audit`;
  say($('clock'), `as of ${clock(d.at, Date.now())}`);
  say($('instance'), r.instance);
  showProblems(r, d.at);
  showNow(d);
  showTopics(d);
  showBuckets(d);
  showBrokers(d);
  rows($('who-rows'), d.who, (w) => `${w.kind} ${w.name}`, whoCells);
  $('nobody').hidden = d.who.length > 0;
  $('who-section').hidden = d.role === 'produce';
  leftOut('who-more', d.who_left_out, 'instances and readers');
  $('loads-section').hidden = !d.loads.length;
  rows($('load-rows'), d.loads, (l) => l.topic, (l) => [
    l.topic, number(l.sent), { text: number(l.refused), note: l.why, status: l.refused ? 'impaired' : '' },
    { text: l.late > 0.01 ? span(l.late) : '–', status: l.late > 1 ? 'impaired' : '' },
  ]);
}

function showProblems(r, now) {
  const items = r.problems.map((p) => ({ ...p, key: [p.kind, p.topic, p.bucket, p.instance, p.broker, p.text].join('|') }));
  if (r.left_out) items.push({ key: 'more', status: 'impaired', text: `and ${number(r.left_out)} more` });
  const create = () => make('li', {}, make('span', { class: 'mark', 'aria-hidden': 'true' }), make('span'), make('small'));
  each($('problems'), items, (p) => p.key, create, (node, p) => {
    node.dataset.status = looks[p.status];
    say(node.children[0], signs[p.status]);
    const where = p.bucket ? ` Bucket ${p.bucket} UTC, instance ${p.instance}` + (p.examples ? `, such as number ${p.examples.slice(0, 3).join(', ')}` : '') + '.' : '';
    say(node.children[1], `${capital(p.text)}.${where}`);
    const details = [];
    if (p.count) details.push(`${number(p.count)} record${p.count === 1 ? '' : 's'}`);
    if (p.since) details.push(`for ${span(Math.round((now - Date.parse(p.since)) / 1000))}`);
    say(node.children[2], details.join(', '));
  });
}

// perSecond returns the growth of a figure over the last seconds.
function perSecond(name) {
  const first = samples[0], last = samples.at(-1);
  const seconds = (last.at - first.at) / 1000;
  return seconds > 0 ? `${rate(Math.max(0, last[name] - first[name]) / seconds)} /s` : '';
}

function showNow(d) {
  const reads = d.role !== 'produce';
  say($('complete'), reads ? d.report.complete : '–');
  say($('verdict'), reads ? d.report.verdict : 'it does not read');
  say($('numbered'), reads ? number(d.numbered) : '–');
  say($('numbered-rate'), perSecond('numbered'));
  say($('seen'), reads ? number(d.seen) : '–');
  say($('seen-rate'), perSecond('seen'));
  say($('lost'), reads ? number(d.lost) : '–');
  say($('twice'), `${number(d.twice)} twice, unexplained`);
  $('lost-tile').dataset.status = d.lost ? 'losing' : '';
  say($('open'), reads ? number(d.open) : '–');
  say($('unread'), `${number(d.unread)} not read yet`);
  say($('began'), clock(d.began, d.at));
  say($('role'), { produce: 'sends', consume: 'reads', both: 'sends and reads' }[d.role] ?? '');
}

const faults = { faulty: 'losing', well: 'well', unchecked: 'impaired' };

function showTopics(d) {
  $('no-topics').hidden = d.topics.length > 0;
  const count = (n, status) => ({ text: number(n), status: n ? status : '' });
  const time = (t, s) => (t.clocks ? `≤ ${span(s)}${t.clocks === 'two' ? '*' : ''}` : '–');
  rows($('topic-rows'), d.topics, (t) => t.topic, (t) => [
    t.topic, { text: t.complete, status: faults[t.status] ?? '' }, number(t.decided), count(t.lost, 'losing'), count(t.twice, 'losing'),
    count(t.order, 'losing'), number(t.open), number(t.unread), time(t, t.median), time(t, t.slowest),
  ]);
  leftOut('topics-more', d.topics_left_out, 'topics');
  $('clocks').hidden = !d.topics.some((t) => t.clocks === 'two');
}

function showBuckets(d) {
  $('buckets-section').hidden = !d.buckets.length || !d.topics.length;
  const heads = ['Topic', ...d.buckets.map((b) => clock(b, b).slice(0, 5))];
  each($('bucket-heads'), heads, (h) => h, () => make('th', { role: 'columnheader' }), say);
  const marks = { well: '✓', faulty: '✕', unchecked: '?', open: '…', none: '' };
  const cellsOf = (t) => [t.topic, ...t.cells.map((c) => {
    const notes = [];
    if (c.lost) notes.push(`${number(c.lost)} lost`);
    if (c.wrong) notes.push(`${number(c.wrong)} wrong`);
    if (c.unchecked) notes.push(`${number(c.unchecked)} not read`);
    if (c.open) notes.push(`${number(c.open)} open`);
    const part = c.complete.replace(' %', '');
    return { text: `${marks[c.status]} ${c.status === 'none' || part === '-' ? '' : part}`, note: notes.join(', '), status: faults[c.status] ?? c.status };
  })];
  // another first bucket moves all columns: rows are made anew then, for their cells know their columns
  rows($('bucket-rows'), d.topics, (t) => `${d.buckets[0]} ${d.buckets.length} ${t.topic}`, cellsOf);
}

function showBrokers(d) {
  $('brokers-section').hidden = !d.brokers.length;
  if (!d.brokers.length) return;
  const create = () => make('div', { class: 'broker' }, make('span', { class: 'name' }), make('div', { class: 'minutes', role: 'img' }, ...d.minutes.map(() => make('i'))));
  each($('map'), d.brokers, (b) => b.broker, create, (node, b) => {
    say(node.firstChild, `broker ${b.broker}`);
    const bars = node.lastChild.children;
    b.past.forEach((m, i) => {
      const bar = bars[i];
      bar.className = m.state ? `minute ${m.state}` : '';
      bar.style.height = m.state === 'dead' || m.state === 'slow' ? '100%' : m.state ? `${height(m.longest)}%` : '0';
      bar.title = m.state ? `${clock(d.minutes[i], d.at).slice(0, 5)}: ${m.state}, longest acknowledgement ${span(m.longest)}${m.failed ? `, ${number(m.failed)} failed` : ''}` : '';
    });
    node.lastChild.setAttribute('aria-label', inWords(b, d));
  });
  say($('map-ends').firstElementChild, '1 h ago');
  say($('map-ends').lastElementChild, 'now');
  const status = { well: 'well', slow: 'impaired', dead: 'losing' };
  const marks = { well: '✓', slow: '!', dead: '✕' };
  rows($('broker-rows'), d.brokers, (b) => b.broker, (b) => [
    { text: `${b.broker}`, note: b.host }, { text: `${marks[b.state] ?? '…'} ${b.state}`, status: status[b.state] ?? '' },
    span(Math.round((d.at - b.since) / 1000)), time(b.median), time(b.longest), time(b.read), number(b.sent),
    { text: number(b.failed), status: b.failed ? 'impaired' : '' },
  ]);
}

const time = (s) => (s > 0 ? span(s) : '–');

// height is that of a bar for a time: 1 ms and less is the lowest, a second and more the highest.
const height = (s) => Math.min(100, Math.max(8, (100 * Math.log10(Math.max(s, 0.001) / 0.001)) / 3));

// inWords says how a broker was in the last hour.
function inWords(b, d) {
  const bad = (state) => b.past.flatMap((m, i) => (m.state === state ? [clock(d.minutes[i], d.at).slice(0, 5)] : []));
  const [slow, dead] = [bad('slow'), bad('dead')];
  const parts = [];
  if (dead.length) parts.push(`dead at ${dead.join(', ')}`);
  if (slow.length) parts.push(`slow at ${slow.join(', ')}`);
  return `Broker ${b.broker} in the last hour: ${parts.join('; ') || 'never slow or dead'}`;
}

function whoCells(w) {
  const mark = { live: '✓', silent: '✕', ended: '–' }[w.state];
  return [
    { text: w.name, note: w.kind }, { text: `${mark} ${w.state}`, status: { live: 'well', silent: 'losing' }[w.state] ?? '' },
    w.state === 'ended' ? '–' : `${span(Math.round(w.quiet))} ago`, { text: number(w.unstated), status: w.unstated ? 'impaired' : '' },
  ];
}

function leftOut(id, n, what) {
  $(id).hidden = !n;
  if (n) say($(id), `${number(n)} more ${what} are not shown.`);
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  seen = performance.now();
  poll();
});
setInterval(tellSilence, 1000);
links($('links'));
poll();
