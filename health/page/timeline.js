// The state of each cluster and the route of each priority over time.

import { make, each, say, clock, span, capital } from './show.js';

const eventsMax = 2000;
const events = new Map(); // by their content; the oldest first

// take remembers events. The program keeps the last 128, the page more of them.
export function take(list) {
  for (const e of list) events.set(JSON.stringify(e), e);
  for (const key of events.keys()) {
    if (events.size <= eventsMax) return;
    events.delete(key);
  }
}

export const forget = () => events.clear();

const kindsOf = { up: 'up', degraded: 'degraded', down: 'down', connecting: 'connecting', closed: 'closed' };

// pieces turns changes, the oldest first, into periods.
function pieces(changes, from, now) {
  return changes.map((c, i) => ({ ...c, start: Math.max(c.at, from), end: changes[i + 1]?.at ?? now })).filter((p) => p.end > from && p.end > p.start);
}

function ofCluster(c) {
  const changes = [...events.values()].filter((e) => e.kind === 'cluster' && e.cluster === c.name)
    .map((e) => ({ at: e.at, look: kindsOf[e.state], text: e.state, reason: e.reason }));
  const now = { at: c.since, look: kindsOf[c.state], text: c.state, reason: c.reason };
  if (!changes.length || changes.at(-1).text !== c.state) changes.push(now);
  return { key: `cluster ${c.name}`, label: c.name, changes };
}

function ofLane(l, began) {
  const mine = [...events.values()].filter((e) => e.priority === l.priority);
  const ways = mine.filter((e) => e.kind === 'fell back' || e.kind === 'returned');
  const changes = ways.map((e) => ({ at: e.at, look: e.kind === 'fell back' ? 'degraded' : 'up', text: e.cluster, reason: e.reason }));
  if (!changes.length) changes.push({ at: l.since, look: l.fell_back ? 'degraded' : 'up', text: l.cluster, reason: '' });
  else changes.unshift({ at: Math.min(began, ways[0].at), look: 'up', text: ways[0].from, reason: '' });
  const losses = mine.filter((e) => e.kind.startsWith('shedding'))
    .map((e) => ({ at: e.at, look: e.kind === 'shedding' ? 'down' : '', text: e.kind === 'shedding' ? 'losing' : '', reason: e.reason }));
  return { key: `priority ${l.priority}`, label: `${l.priority} priority`, changes, losses };
}

// show draws the time line, and writes it in words.
export function show(box, words, d, seconds) {
  const now = d.at, from = now - seconds * 1000;
  const known = Math.max(from, d.began);
  const lines = [...d.clusters.filter((c) => c.since).map(ofCluster), ...d.lanes.map((l) => ofLane(l, d.began))];
  const create = () => make('div', { class: 'line' }, make('span', { class: 'name' }), make('div', { class: 'track' }));
  each(box, lines, (l) => l.key, create, (node, l) => {
    say(node.firstChild, l.label);
    const parts = [...pieces(l.changes, from, now), ...pieces(l.losses ?? [], from, now).filter((p) => p.look)];
    each(node.lastChild, parts, (p) => `${p.at} ${p.look} ${p.text}`, () => make('span'), (bar, p) => {
      const width = 100 * (p.end - p.start) / (seconds * 1000);
      bar.className = `piece ${p.look}`;
      bar.style.left = `${100 * (p.start - from) / (seconds * 1000)}%`;
      bar.style.width = `${width}%`;
      bar.title = `${p.text} ${clock(p.start, now)} to ${clock(p.end, now)}`;
      say(bar, width > 5 ? p.text : '');
    });
  });
  each(words, lines, (l) => l.key, () => make('li'), (node, l) => {
    const parts = [...pieces(l.changes, from, now), ...pieces(l.losses ?? [], from, now).filter((p) => p.look)];
    say(node, `${capital(l.label)}: ` + parts.map((p) => told(p, known, now)).join('; ') + '.');
  });
}

function told(p, known, now) {
  const end = p.end === now ? 'now' : clock(p.end, now);
  const start = p.at <= known ? `before ${clock(known, now)}` : clock(p.start, now);
  const why = p.reason ? ` (${p.reason})` : '';
  return `${p.text} from ${start} to ${end}, ${span((p.end - p.start) / 1000)}${why}`;
}

// changes returns the changes in words, the newest first.
export function changes(now, limit) {
  return [...events.entries()].reverse().slice(0, limit).map(([key, e]) => ({ key, at: clock(e.at, now), ...inWords(e) }));
}

function inWords(e) {
  const why = e.reason && e.reason !== e.kind ? `: ${e.reason}` : '';
  switch (e.kind) {
    case 'cluster': return { status: { up: 'well', down: 'losing' }[e.state] ?? 'impaired', text: `Cluster ${e.cluster} is ${e.state}${e.state === 'up' ? '' : why}` };
    case 'fell back': return { status: 'impaired', text: `${capital(e.priority)} priority fell back from ${e.from} to ${e.cluster}${why}` };
    case 'returned': return { status: 'well', text: `${capital(e.priority)} priority returned from ${e.from} to ${e.cluster}${why}` };
    case 'shedding': return { status: 'losing', text: `${capital(e.priority)} priority began to lose or refuse records${why}` };
    case 'shedding over': return { status: 'well', text: `${capital(e.priority)} priority has lost nothing for ten seconds` };
    case 'repartitioned': return { status: 'well', text: `Topic ${e.topic} has another number of partitions in ${e.cluster}${why}` };
    case 'trouble': return { status: 'impaired', text: (e.topic ? `Records of topic ${e.topic} wait` : 'Records wait') + (e.cluster && ` for ${e.cluster}`) + why };
    case 'trouble over': return { status: 'well', text: (e.topic ? `Records of topic ${e.topic} no longer wait` : 'Records no longer wait') + (e.cluster && ` for ${e.cluster}`) + why };
    case 'reconfigured': return { status: 'well', text: 'Settings were changed' };
  }
  return { status: 'impaired', text: `${e.kind} ${e.cluster} ${e.priority}${why}` };
}
