package simulate

import (
	"math"
	"slices"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// levelRounds is how often the levels of what brokers give to a connection are improved.
const levelRounds = 6

// drain has instances send what waits, as much as brokers take in some seconds.
func (s *simulation) drain(lasts float64) {
	s.each(func(w *worker) { w.wish(s, lasts) })
	conns := make([]int, len(s.brokers))
	for b := range s.brokers {
		s.share.room[b] = s.capacity * lasts
		for _, w := range s.workers {
			s.share.room[b] -= w.small[b]
			conns[b] += w.above[b]
		}
		s.share.room[b] = max(0, s.share.room[b])
	}
	s.share.begin(conns)
	for range levelRounds {
		s.each(func(w *worker) { w.compare(s.share.level) })
		for b := range s.brokers {
			below, above := 0.0, 0
			for _, w := range s.workers {
				below += w.below[b]
				above += w.above[b]
			}
			s.workers[0].below[b], s.workers[0].above[b] = below, above
		}
		s.share.follow(s.workers[0].below, s.workers[0].above)
		if s.share.fixed {
			break
		}
	}
	s.each(func(w *worker) { w.serve(s, lasts) })
	s.recovering = s.busy()
}

// draining reports whether some instance has not sent its backlog.
func (s *simulation) draining() bool {
	return slices.ContainsFunc(s.workers, func(w *worker) bool { return w.busy })
}

// busy reports whether the cluster is still coming back: something waits, or connections change.
func (s *simulation) busy() bool {
	if s.draining() {
		return true
	}
	for _, b := range s.brokers {
		if len(b.queue)+len(b.idle) > 0 {
			return true
		}
	}
	return false
}

// wish sets how many bytes instances want to send over each connection, and counts these by broker
// in above. Two requests are in flight at most.
func (w *worker) wish(s *simulation, lasts float64) {
	clear(w.above)
	for _, in := range w.instances {
		in.want = 0
		if in.state != back {
			continue
		}
		sum := 0.0
		for i := range in.sends {
			sum += in.sends[i].waiting(&s.lanes[i])
		}
		in.linked = 0
		for k := range in.uses {
			if u := &in.uses[k]; u.linked {
				in.linked++
				w.above[u.broker]++
			}
		}
		if in.linked > 0 {
			request := float64(fleet.MaxRequestBytes)
			inFlight := slots * request * math.Ceil(lasts/s.fleet.Settings.AckLatency.Seconds())
			in.want = min(sum/float64(in.linked), inFlight)
		}
	}
}

// compare finds for each broker which connections want more than a level, and what those want that
// want less.
func (w *worker) compare(level []float64) {
	clear(w.below)
	clear(w.above)
	for _, in := range w.instances {
		if in.want == 0 {
			continue
		}
		for k := range in.uses {
			switch u := &in.uses[k]; {
			case !u.linked:
			case in.want <= level[u.broker]:
				w.below[u.broker] += in.want
			default:
				w.above[u.broker]++
			}
		}
	}
}

// serve sends what the levels allow.
func (w *worker) serve(s *simulation, lasts float64) {
	w.busy = false
	for _, in := range w.instances {
		if in.state == up {
			continue
		}
		if in.state == back && (in.linked > 0 || len(in.uses) == 0) && w.sent(s, in) {
			in.state = up
			w.emptied = append(w.emptied, s.now+lasts-s.ends)
			continue
		}
		w.busy = true
	}
}

// sent sends what the levels allow of an instance, the highest priority first. It reports whether
// nothing is left.
func (w *worker) sent(s *simulation, in *instance) (all bool) {
	budget := 0.0
	for k := range in.uses {
		if u := &in.uses[k]; u.linked {
			budget += min(in.want, s.share.level[u.broker])
		}
	}
	all = true
	left := budget
	for i := range in.sends {
		l, waits := &s.lanes[i], in.sends[i].waiting(&s.lanes[i])
		takes := min(left, waits)
		left -= takes
		if takes > 0 {
			w.count(s, in, i, in.sends[i].send(l, takes/waits), budget)
		}
		all = all && takes >= waits*(1-1e-9)
	}
	return all
}

// send sends a part of what waits.
func (s *sending) send(l *lane, part float64) (sum load) {
	for j := range s.backlogs {
		q, f := &s.backlogs[j], &l.flows[j]
		records := q.records * part
		sum.records += records
		sum.bytes += records * f.wire
		sum.batches += q.send(f, records)
	}
	sum.bytes += sum.batches * fleet.BatchFraming
	sum.requests = max(sum.batches/max(1, l.perVisit), sum.bytes/fleet.MaxRequestBytes)
	return sum
}

// count adds what an instance has sent to the loads of its brokers.
func (w *worker) count(s *simulation, in *instance, lane int, sent load, budget float64) {
	for k := range in.uses {
		u := &in.uses[k]
		if !u.linked {
			continue
		}
		part := min(in.want, s.share.level[u.broker]) / budget
		at := &w.loads[lane][u.broker]
		at.requests += sent.requests * part
		at.batches += sent.batches * part
		at.records += sent.records * part
		at.bytes += sent.bytes * part
	}
}
