// The page asks the program for its figures once a second, and shows them.

import { $, say, make, each, rows, pairs, number, rate, bytes, span, about, clock, capital, links } from './show.js';
import * as chart from './chart.js';
import * as timeline from './timeline.js';

const every = 1000, everyHidden = 5000; // milliseconds between polls
const gap = 15_000; // without an answer, until the page asks for the samples in between
const silent = 3000; // without an answer, until the page says so
const signs = { well: '✓', impaired: '!', losing: '✕', unknown: '…', silent: '?' };

let data = null; // the last answer
let answered = performance.now(); // when it came
let seen = performance.now(); // since when the page is visible: browsers let a hidden page sleep
let asking = false;
let recalled = -Infinity; // when the page last asked for earlier samples
let timer = 0;
let seconds = 300; // how far back the time line goes

// ask returns the program's figures, null if it does not answer.
async function ask() {
  try {
    const answer = await fetch('data', { cache: 'no-store', signal: AbortSignal.timeout(silent) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const d = await answer.json();
    for (const list of ['lanes', 'clusters', 'topics', 'events', 'refused', 'lost']) d[list] ??= [];
    return d;
  } catch {
    return null; // tellSilence reports it
  }
}

// recall asks the program for samples from before the page was opened, or while it slept. If that fails, the charts begin now.
async function recall() {
  recalled = performance.now();
  try {
    const answer = await fetch('past', { cache: 'no-store', signal: AbortSignal.timeout(silent) });
    if (answer.ok) chart.recall((await answer.json()).samples);
  } catch {
    recalled = -Infinity; // with the next poll
  }
}

async function poll() {
  if (asking) return;
  clearTimeout(timer);
  asking = true;
  const d = await ask();
  const another = d && data && data.began !== d.began; // program
  if (another) { chart.forget(); timeline.forget(); }
  if (d && (another || performance.now() - Math.max(answered, recalled) > gap || recalled < 0)) await recall();
  asking = false;
  timer = setTimeout(poll, document.hidden ? everyHidden : every); // first, so that no mistake below ends it
  if (d) {
    data = d;
    answered = performance.now();
    chart.take(d);
    timeline.take(d.events);
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
  document.title = `${signs.silent} Forebay`;
  $('status').dataset.status = 'unknown';
  say($('sign'), signs.silent);
  say($('summary'), 'The program does not answer.' + (data ? ` The figures are from ${clock(data.at, data.at)}.` : ''));
  if (data) say($('silence'), `That is ${span(Math.round(away / 1000))} ago. It said then: ${data.report.summary}`);
}

function show() {
  const d = data;
  const r = d.report;
  $('status').dataset.status = r.status;
  say($('sign'), signs[r.status] ?? signs.unknown);
  say($('summary'), r.summary);
  document.title = `${signs[r.status] ?? '?'} Forebay`;
  say($('clock'), `as of ${clock(d.at, Date.now())}`);
  showProblems(r, d.at);
  showNow(d);
  showTime();
  rows($('lane-rows'), d.lanes, (l) => l.priority, laneCells);
  showLost(d);
  rows($('cluster-rows'), d.clusters, (c) => c.name, (c) => clusterCells(c, d.at));
  leftOut('clusters-more', d.clusters_left_out, 'clusters');
  rows($('topic-rows'), d.topics, (t) => `${t.priority} ${t.topic}`, topicCells);
  leftOut('topics-more', d.topics_left_out, 'topics');
  showChanges(d.at);
  showSince(d);
}

function showProblems(r, now) {
  const items = r.problems.map((p) => ({ ...p, key: [p.kind, p.cluster, p.priority, p.topic, p.text, p.reason, p.remedy].join('|') }));
  if (r.left_out) items.push({ key: 'more', status: 'impaired', text: `and ${number(r.left_out)} more` });
  const create = () => make('li', {}, make('span', { class: 'mark', 'aria-hidden': 'true' }), make('span'), make('small'));
  each($('problems'), items, (p) => p.key, create, (node, p) => {
    node.dataset.status = p.status;
    say(node.children[0], signs[p.status]);
    say(node.children[1], capital(p.text) + (p.reason ? `: ${p.reason}` : '') + (p.remedy ? `. ${capital(p.remedy)}` : ''));
    const details = [];
    const what = (p.kind === 'callback' ? 'time' : 'record') + (p.count === 1 ? '' : 's') + (counted(p) ? '' : ' waiting');
    if (p.count) details.push(`${number(p.count)} ${what}`);
    if (p.since) details.push(`${counted(p) ? 'in the last' : 'for'} ${span(Math.round((now - Date.parse(p.since)) / 1000))}`);
    say(node.children[2], details.join(', '));
  });
}

// counted reports whether p comes from counters that grew.
const counted = (p) => ['lost', 'refused', 'callback'].includes(p.kind);

function showNow(d) {
  const now = chart.lately(10, d.bounds);
  const refused = d.refused.reduce((sum, r) => sum + r.records, 0);
  const oldest = Math.max(0, ...d.lanes.map((l) => l.oldest));
  say($('in'), now ? rate(now.in) : '–');
  say($('in-more'), `${number(d.total.accepted)} in all`);
  say($('out'), now ? rate(now.out) : '–');
  say($('out-more'), `${number(d.total.delivered)} in all`);
  say($('lost'), now ? rate(now.lost) : '–');
  say($('lost-more'), `${number(d.total.lost + refused)} in all`);
  $('lost-tile').dataset.status = now?.lost > 0 ? 'losing' : '';
  say($('waiting'), number(d.total.pending));
  say($('waiting-more'), d.total.pending ? `oldest for ${span(oldest)}` : 'nothing waits');
  say($('held'), bytes(d.held));
  const full = chart.fullIn(d.max);
  say($('held-of'), `of ${bytes(d.max)}` + (full ? `, full in about ${about(full)}` : ''));
  $('held-meter').value = d.max ? d.held / d.max : 0;
  say($('p50'), now?.p50 != null ? `≈ ${span(now.p50)}` : '–');
  say($('p99'), now?.p99 != null ? `99 % in ≈ ${span(now.p99)}` : 'none just now');
  say($('requests'), now ? rate(now.requests) : '–');
  say($('per-request'), now?.perRequest != null ? `${rate(now.perRequest)} records in each` : 'none just now');
}

function showTime() {
  if (!data) return;
  timeline.show($('timeline'), $('words'), data, seconds);
  chart.charts($('rates'), $('times'), seconds, data.at, data.bounds);
}

function laneCells(l) {
  const now = chart.lately(10, data.bounds);
  const note = l.shedding ? 'losing records' : l.fell_back ? 'fallen back' : '';
  return [
    capital(l.priority), { text: l.cluster, note, status: l.shedding ? 'losing' : l.fell_back ? 'impaired' : '' },
    number(l.pending), l.pending ? span(l.oldest) : '–', bytes(l.held), now ? rate(now.lane(l.priority)) : '–',
    number(l.delivered), { text: number(l.lost), status: l.lost ? 'losing' : '' }, { text: number(l.refused), status: l.refused ? 'losing' : '' },
  ];
}

function showLost(d) {
  const sum = (l) => Object.values(l.lost).reduce((a, b) => a + b, 0);
  const lines = d.lost.filter(sum).map((l) => ({ why: capital(l.reason), lost: l.lost, all: sum(l) }));
  for (const r of d.refused) if (r.records) lines.push({ why: `Refused by Send: ${r.reason}`, lost: {}, all: r.records });
  $('nothing-lost').hidden = lines.length > 0;
  $('lost-table').hidden = !lines.length;
  const cell = (n) => (n === undefined ? '–' : number(n));
  rows($('lost-rows'), lines, (l) => l.why, (l) => [l.why, cell(l.lost.high), cell(l.lost.medium), cell(l.lost.low), number(l.all)]);
}

function clusterCells(c, now) {
  const status = { up: 'well', down: 'losing' }[c.state] ?? 'impaired';
  const gone = !c.since;
  const note = [c.state === 'up' ? '' : c.reason, c.unnumbered && `no producer ID: ${c.unnumbered}`].filter(Boolean).join('; ');
  return [
    c.name, { text: gone ? 'removed' : `${signs[status]} ${c.state}`, note, status: gone ? '' : status }, gone ? '–' : span((now - c.since) / 1000),
    number(c.pending), number(c.delivered), { text: number(c.lost), status: c.lost ? 'losing' : '' }, number(c.changes),
  ];
}

function topicCells(t) {
  return [
    { text: t.topic, note: t.trouble, status: t.trouble ? 'impaired' : '' }, t.priority, t.cluster, number(t.pending), bytes(t.held),
    number(t.delivered), { text: number(t.lost), status: t.lost ? 'losing' : '' },
  ];
}

function leftOut(id, n, what) {
  $(id).hidden = !n;
  say($(id), n ? `${number(n)} more ${what} are not shown.` : '');
}

function showChanges(now) {
  const list = timeline.changes(now, 20);
  $('no-changes').hidden = list.length > 0;
  const create = () => make('li', {}, make('time'), make('span', { class: 'mark', 'aria-hidden': 'true' }), make('span'));
  each($('changes'), list, (c) => c.key, create, (node, c) => {
    node.dataset.status = c.status;
    say(node.children[0], c.at);
    say(node.children[1], signs[c.status]);
    say(node.children[2], c.text);
  });
}

function showSince(d) {
  const t = d.traffic;
  pairs($('since'), [
    ['Accepted', number(d.total.accepted)],
    ['Maybe duplicated', number(d.total.maybe_duplicated)],
    ['Order at risk', number(t.order_at_risk)],
    ['Requests', `${number(t.requests)}, ${bytes(t.request_bytes)}`],
    ['Batches written', `${number(t.attempts)}, ${number(t.retries)} of them retries`],
    ['Throttled by quotas', t.throttled ? `${number(t.throttled)} times, ${span(t.throttled_for)}` : 'never'],
    ['Names served stale', `${number(d.names.stale)} times`],
    ['Names looked up', `${number(d.names.lookups)} times, ${number(d.names.failures)} failed`],
    ['Delivery reports dropped', number(d.reports_dropped)],
    ['Panics of the callback', number(d.report_panics)],
    ['Panics of interceptors', number(d.interceptor_panics)],
    ['Events dropped', number(d.events_dropped)],
    ['Memory outside the limit', `at most ${bytes(d.beside)}`],
  ]);
}

// showSettings asks for the settings while they are open.
async function showSettings() {
  if (!$('settings').open) return;
  try {
    const s = await (await fetch('settings', { cache: 'no-store', signal: AbortSignal.timeout(silent) })).json();
    pairs($('setting-rows'), s.hint ? [['Not shown', s.hint]] : (s.settings ?? []).map((x) => [x.field, x.value]));
    leftOut('settings-more', s.left_out, 'settings');
  } catch { /* the page says by itself that the program does not answer */ }
  setTimeout(showSettings, 10_000);
}

$('settings').addEventListener('toggle', showSettings);
$('span').addEventListener('change', (e) => { seconds = Number(e.target.value); showTime(); });
document.addEventListener('visibilitychange', () => { seen = performance.now(); poll(); });
setInterval(tellSilence, 1000);
links($('links'));
poll();
