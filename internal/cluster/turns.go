package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// topicBudget bounds what settled topics cost, in bytes of answers per second. If all fit into
	// it, each is asked for again after metadataAge: about seventy topics of 12 partitions with
	// three replicas do. More topics take turns, so that they cost age and no bandwidth.
	topicBudget = 8 << 10
	// topicAge bounds the age of a settled topic, whatever that costs. franz-go uses the same.
	topicAge = 5 * time.Minute
	// A topic is unsettled while it has an error or a partition without a working leader. It is
	// asked for again after unsettledAge, and each time a little later, up to unsettledMax.
	unsettledAge = 100 * time.Millisecond
	unsettledMax = time.Second
	// unsettledBudget bounds the cost of unsettled topics after unsettledQuick answers. They then
	// wait for unsettledAgeMax at most. When a broker joins or leaves the cluster they are asked
	// for at once.
	unsettledBudget = 16 << 10
	unsettledAgeMax = 10 * time.Second
	unsettledQuick  = 10
	// A topic is asked for at once when a broker refuses a batch for it as not the leader. After
	// outdatedQuick answers in a row that name the same leaders, the cause is something else: each
	// further request waits twice as long, up to outdatedMax.
	outdatedQuick = 10
	outdatedMax   = time.Second
	// sentAgain is how soon a known topic is asked for again while a request for it is in flight.
	sentAgain = 200 * time.Millisecond
)

// turns knows when each topic is to be asked for. It belongs to the supervisor.
type turns map[string]*turn

// turn says when a topic is to be asked for.
type turn struct {
	learned time.Time // when the last answer for it came; zero: never
	bytes   int       // of that answer, about
	tries   int       // answers in a row that left it unsettled
	next    time.Time // when it is asked for out of turn; zero: its metadata is good
	sent    time.Time // when the request in flight for it was sent; zero: none is

	old     bool    // it was reported as outdated since the last answer
	hurries int     // answers in a row to such reports that named the same leaders
	leaders []int32 // by the last answer
}

// follow gives each wanted topic a turn, and takes it from the others.
func (ts turns) follow(wanted map[string]int, now time.Time) {
	for name := range ts {
		if _, ok := wanted[name]; !ok {
			delete(ts, name)
		}
	}
	for name := range wanted {
		if ts[name] == nil {
			ts[name] = &turn{next: now}
		}
	}
}

// due returns the topics to ask for in a request: those whose time has come, or nearly so. In a
// round, it adds as many of the others as the budget of a round of that length allows; 0 means that
// the request is not that of a round.
func (ts turns) due(now time.Time, round time.Duration) (names []string) {
	var others []string
	for name, t := range ts {
		switch {
		case !t.ready().After(now) && (!t.next.IsZero() || now.Sub(t.learned) >= topicAge):
			names = append(names, name)
		case t.next.IsZero() && t.sent.IsZero():
			others = append(others, name)
		}
	}
	if round > 0 {
		slices.SortFunc(others, func(a, b string) int {
			return cmp.Or(ts[a].learned.Compare(ts[b].learned), cmp.Compare(a, b))
		})
		left := int(topicBudget * min(round, 2*metadataAge).Seconds())
		for i, name := range others {
			if left -= ts[name].bytes; left < 0 && i > 0 {
				break
			}
			names = append(names, name)
		}
	}
	for _, name := range names {
		ts[name].sent = now
	}
	return names
}

// ready returns when a topic may be in a request. A topic that has waited for most of its time
// joins those whose time has come.
func (t *turn) ready() time.Time {
	at := t.next
	if !t.learned.IsZero() && t.next.After(t.learned) {
		at = t.next.Add(-t.next.Sub(t.learned) / 8)
	}
	return t.free(at)
}

// free returns at, or later if a request in flight covers the topic and may be answered by then. A
// topic of which nothing is known may be in several requests at once.
func (t *turn) free(at time.Time) time.Time {
	if !t.sent.IsZero() && !t.learned.IsZero() && at.Before(t.sent.Add(sentAgain)) {
		return t.sent.Add(sentAgain)
	}
	return at
}

// first returns when the first topic is to be asked for out of turn, but not after later.
func (ts turns) first(later time.Time) time.Time {
	for _, t := range ts {
		if !t.next.IsZero() {
			later = earlier(later, t.free(t.next))
		}
	}
	return later
}

// troubled reports whether an answer for some topic was not enough, or came to be out of date. What
// many brokers have said in a row is no reason to ask yet another one: where a topic does not
// exist, or has no leader for long, each producer of a fleet would open a connection a second.
func (ts turns) troubled() bool {
	for _, t := range ts {
		if t.old && t.hurries < outdatedQuick || t.tries > 1 && t.tries <= unsettledQuick {
			return true
		}
	}
	return false
}

// ended notes that a request for topics was not answered.
func (ts turns) ended(names []string) {
	for _, name := range names {
		if t := ts[name]; t != nil {
			t.sent = time.Time{}
		}
	}
}

// outdated notes that the metadata of topics is out of date.
func (ts turns) outdated(names []string, now time.Time) {
	for _, name := range names {
		if t := ts[name]; t != nil {
			t.outdate(now)
		}
	}
}

func (t *turn) outdate(now time.Time) {
	t.old = true
	if now.Sub(t.learned) > metadataAge {
		t.hurries = 0
	}
	at := now
	if more := t.hurries - outdatedQuick; more >= 0 {
		at = latest(now, t.learned.Add(min(hurryAge<<min(more+1, 10), outdatedMax)))
	}
	if t.next.IsZero() || at.Before(t.next) {
		t.next = at
	}
}

// hurried notes the leaders that an answer names.
func (t *turn) hurried(parts []Partition) {
	same := len(parts) == len(t.leaders)
	t.leaders = slices.Grow(t.leaders[:0], len(parts))
	t.leaders = t.leaders[:len(parts)]
	for i := range parts {
		same = same && t.leaders[i] == parts[i].Leader
		t.leaders[i] = parts[i].Leader
	}
	if t.old && same {
		t.hurries++
	} else {
		t.hurries = 0
	}
	t.old = false
}

// judge has topics asked for at once that have lost a leader. If news is set, the brokers have
// changed: then topics that were unsettled before are asked for, too.
func (ts turns) judge(now time.Time, v *View, works func(node int32) bool, news bool) {
	for name, t := range ts {
		switch {
		case !t.next.IsZero() && news && t.tries > 0:
			t.tries, t.next = 0, now
		case (t.next.IsZero() || t.hurries > 0 && t.tries == 0 && t.next.After(now)) &&
			!v.Topics[name].settled(works):
			t.tries, t.next = 0, now
		}
	}
}

// answered notes an answer for topics. It is part of v by now.
func (ts turns) answered(now time.Time, names []string, resp *kmsg.MetadataResponse, v *View,
	works func(node int32) bool) {
	for i := range resp.Topics {
		if t := &resp.Topics[i]; t.Topic != nil && ts[*t.Topic] != nil {
			ts[*t.Topic].bytes = bytesOf(t)
		}
	}
	bytes := 0
	for _, t := range ts {
		if !t.next.IsZero() {
			bytes += t.bytes
		}
	}
	for _, name := range names {
		t := ts[name]
		if t == nil {
			continue
		}
		t.learned, t.sent, t.next = now, time.Time{}, time.Time{}
		t.hurried(v.Topics[name].Partitions)
		switch known, ok := v.Topics[name]; {
		case !ok || !known.settled(works):
			t.tries++
			wait := min(unsettledAge*time.Duration(t.tries), unsettledMax)
			if t.tries > unsettledQuick {
				wait = min(max(wait, time.Duration(bytes)*time.Second/unsettledBudget),
					unsettledAgeMax)
			}
			t.next = now.Add(wait)
		case known.doubtful():
			t.tries, t.next = 0, now.Add(metadataAge)
		default:
			t.tries = 0
		}
	}
}

// bytesOf returns about how many bytes t takes in an answer.
func bytesOf(t *kmsg.MetadataResponseTopic) int {
	n := 40
	if t.Topic != nil {
		n += len(*t.Topic)
	}
	for i := range t.Partitions {
		p := &t.Partitions[i]
		n += 20 + 4*(len(p.Replicas)+len(p.ISR)+len(p.OfflineReplicas))
	}
	return n
}
