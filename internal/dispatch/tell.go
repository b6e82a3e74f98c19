package dispatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/delivery"
)

// tellsPerMinute is how many troubles get a line and an event of their own in a minute. More of
// them are told as a sum: where topics are named after data there may be thousands.
const tellsPerMinute = 10

// teller bounds what all dispatchers tell.
type teller struct {
	waiting atomic.Bool // something has to be summed

	mu    sync.Mutex // guards what follows
	since time.Duration
	told  int                    // in the minute that began at since
	more  map[delivery.Cause]int // found in that minute beyond the bound
}

// may reports whether one more trouble may be told by itself; it is counted otherwise.
func (t *teller) may(cause delivery.Cause, now time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now >= t.since+time.Minute && len(t.more) == 0 {
		t.since, t.told = now, 0
	}
	if t.told < tellsPerMinute {
		t.told++
		return true
	}
	if t.more == nil {
		t.more = make(map[delivery.Cause]int)
	}
	t.more[cause]++
	t.waiting.Store(true)
	return false
}

// sum returns how many there were beyond the bound, once their minute is over, and when that is if
// it is not.
func (t *teller) sum(now time.Duration) (n int, causes string, due time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.more) == 0 {
		return 0, "", 0
	}
	if due = t.since + time.Minute; now < due {
		return 0, "", due
	}
	var words []string
	for _, cause := range slices.Sorted(maps.Keys(t.more)) {
		n += t.more[cause]
		words = append(words, fmt.Sprintf("%s: %d", cause, t.more[cause]))
	}
	t.since, t.told, t.more = now, 0, nil
	t.waiting.Store(false)
	return n, strings.Join(words, ", "), 0
}

// tell says that records wait, and for what.
func (t *troubles) tell(f *finding) {
	f.told = true
	if quiet(f.Cause) || !t.engine.teller.may(f.Cause, t.pass.now) {
		return
	}
	f.single = true
	t.log.Warn("records wait", zap.String("topic", f.Topic), zap.String("cause", string(f.Cause)),
		zap.String("reason", f.Reason),
		zap.String("remedy", f.Remedy))
	t.engine.host.Event(troubleEvent(f.Trouble, TroubleBegan))
}

// tellOver says that they do not any more.
func (t *troubles) tellOver(f *finding) {
	t.log.Info("records wait no longer", zap.String("topic", f.Topic),
		zap.String("cause", string(f.Cause)), zap.Duration("after", t.pass.now-f.begun))
	t.engine.host.Event(troubleEvent(f.Trouble, TroubleOver))
}

// tellMore says how many troubles there were beyond the bound of a minute.
func (t *troubles) tellMore() {
	n, causes, due := t.engine.teller.sum(t.pass.now)
	if due > 0 {
		t.pass.by(due)
	}
	if n == 0 {
		return
	}
	t.engine.log.Warn("records of more topics wait", zap.Int("topics", n),
		zap.String("causes", causes))
	t.engine.host.Event(Event{Kind: TroubleBegan,
		Reason: fmt.Sprintf("records of %d more topics wait: %s", n, causes)})
}

// troubleEvent returns what tells of a trouble.
func troubleEvent(t delivery.Trouble, kind EventKind) Event {
	return Event{At: t.Since, Kind: kind, Priority: t.Priority, Cluster: t.Cluster, Topic: t.Topic,
		Reason: t.Advice()}
}

// Troubled yields an event for each trouble that is to be seen, but for those that the state of
// their cluster reports.
func (l *Lane) Troubled(yield func(Event) bool) {
	for _, d := range l.dispatchers() {
		p := d.troubles.shown.Load()
		if p == nil {
			continue
		}
		for _, s := range *p {
			if s.visible && !quiet(s.Cause) && !yield(troubleEvent(s.Trouble, TroubleBegan)) {
				return
			}
		}
	}
}

// WaitsFor says in words what the records of a topic wait for; all records, if topic is empty.
func (l *Lane) WaitsFor(topic string) (words []string) {
	for _, d := range l.dispatchers() {
		words = append(words, d.troubles.inWords(topic)...)
	}
	return words
}

// inWords says what the records of a topic wait for, or all of them.
func (t *troubles) inWords(topic string) (words []string) {
	for _, x := range t.of(topic) {
		if x.current && x.Cause != delivery.CauseSchemaUnknown { // see OnHold
			words = append(words, x.Subject()+": "+x.Reason)
		}
	}
	return words
}
