package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// topicBudget is what settled topics may cost, in bytes of answers a second. Each is asked for
	// again after metadataAge if all fit into it, as about seventy topics of 12 partitions in three
	// copies do, else in turn, so that their number costs age and no bandwidth.
	topicBudget = 8 << 10
	// topicAge is how old a settled topic becomes at most, whatever that costs. It is also
	// franz-go's.
	topicAge = 5 * time.Minute
	// unsettledBudget is what those may cost that are not settled, once it takes longer, and
	// unsettledAgeMax how long they wait then at most. A broker that joins or leaves the cluster
	// has them asked for at once.
	unsettledBudget = 16 << 10
	unsettledAgeMax = 10 * time.Second
	unsettledQuick  = 10 // answers for which it does not matter what they cost
	// outdatedQuick is how many answers in a row a topic is asked for at once after that a broker
	// has not taken what it got. Each later one takes twice as long, up to outdatedMax, while they
	// name the same leaders: then it is something else that the brokers refuse it for.
	outdatedQuick = 10
	outdatedMax   = time.Second
	// sentAgain is how soon a topic that is known is asked for again while a question for it is
	// open.
	sentAgain = 200 * time.Millisecond
)

// turns knows when each topic is to be asked for. It belongs to the supervisor.
type turns map[string]*turn

// turn is when a topic is to be asked for.
type turn struct {
	learned time.Time // when that was answered last; zero: never
	bytes   int       // of that answer, about
	tries   int       // answers in a row that left it unsettled
	next    time.Time // when it is asked for beside its turn; zero: what is known is good
	sent    time.Time // when the question that is open was asked; zero: none is

	old bool // it was called old since the last answer
	// answers in a row that it was called old before, and that named the same leaders
	hurries int
	leaders []int32 // by the last answer
}

// follow makes the topics that are wanted those that have a turn.
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

// due returns the topics to ask for in a question: those whose time has come, or nearly so, and of
// the others as many as fit into the budget of a round that has lasted for that long, if it is one.
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
		slices.SortFunc(others, func(a,
			b string) int {
			return cmp.Or(ts[a].learned.Compare(ts[b].learned),
				cmp.Compare(a, b))
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

// ready returns when a topic may be in a question. Who has waited for most of its time joins those
// whose time has come.
func (t *turn) ready() time.Time {
	at := t.next
	if !t.learned.IsZero() && t.next.After(t.learned) {
		at = t.next.Add(-t.next.Sub(t.learned) / 8)
	}
	return t.free(at)
}

// free returns at, or later if the topic is in a question that may be answered by then. What is not
// known at all is asked of everybody.
func (t *turn) free(at time.Time) time.Time {
	if !t.sent.IsZero() && !t.learned.IsZero() && at.Before(t.sent.Add(sentAgain)) {
		return t.sent.Add(sentAgain)
	}
	return at
}

// first returns when the first topic is to be asked for beside its turn, later if none is before.
func (ts turns) first(later time.Time) time.Time {
	for _, t := range ts {
		if !t.next.IsZero() {
			later = earlier(later, t.free(t.next))
		}
	}
	return later
}

// ended notes that a question for topics has got no answer.
func (ts turns) ended(names []string) {
	for _, name := range names {
		if t := ts[name]; t != nil {
			t.sent = time.Time{}
		}
	}
}

// outdated notes that what is known of topics is old.
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

// hurried notes an answer that names leaders.
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

// judge has topics asked for that have lost a leader. If there is news of the brokers, so has it
// those that had none before.
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

// answered notes an answer for topics, of which v is what is known now.
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
