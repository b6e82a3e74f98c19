package dispatch

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

const (
	// how often it is looked why records wait, beside when the view changes
	lookEvery = time.Second
	tellAfter = 5 * time.Second // how long a cause lasts before it is told
	// how long nothing is acknowledged before that is a trouble by itself
	stuckAfter = 10 * time.Second
	awayAfter  = 3 * time.Second // how long ago a broker was last tried that counts as away
	// how long nothing waits for a cause before it is over, where nothing was acknowledged
	overAfter = time.Minute
)

// troubles are the causes for which records of a dispatcher wait. They are found anew with each
// look, from the state of the dispatcher: what lasts is told, and what is not found any more is
// over. Nothing else has to clear anything.
type troubles struct {
	*core

	// What follows belongs to the dispatcher's goroutine.
	found     map[troubleKey]*finding
	looked    time.Duration
	lookedAt  *cluster.View // the view that was looked at
	news      bool          // an attempt has failed since
	blamed    time.Duration // when something was last found that keeps all topics waiting
	nameless  time.Duration // when a batch last waited for a producer ID
	throttled map[int32]*throttling

	shown atomic.Pointer[[]Shown] // for Stats, Close and reports
}

type troubleKey struct {
	topic  string
	cause  delivery.Cause
	broker int32 // -1: none in particular
}

// finding is a cause of which something was found.
type finding struct {
	delivery.Trouble
	key   troubleKey
	ts    *topicState // nil: it is not about a topic
	err   error       // what it was seen by
	said  string      // by the cluster, of a topic as a whole
	parts []int32     // that wait; none: the whole topic
	last  *stream     // of parts, until they are put in words

	begun  time.Duration
	seen   time.Duration // when it was last found
	waits  bool          // in the last look something has waited for it for longer than a moment
	told   bool
	single bool  // by a line of its own, so that its end gets one
	out    Shown // as others see it
}

// Shown is a finding as other goroutines see it.
type Shown struct {
	delivery.Trouble
	err     error
	parts   []int32
	current bool // it was found in the last look
	visible bool // and is of more than a moment
}

// throttling is what a broker that asks to be left alone has asked for.
type throttling struct {
	since, last time.Duration
	wait        time.Duration
}

// failure is why the last attempt of a partition has failed.
type failure struct {
	cause  delivery.Cause
	err    error
	broker int32
	at     time.Duration
}

// blame notes why an attempt has failed, until one in its partition succeeds. What knows more than
// the error calls it after failed.
func (t *troubles) blame(it *item, cause delivery.Cause, err error) {
	it.stream.why = &failure{cause: cause, err: err, broker: it.ship.broker.ID,
		at: t.engine.clock.Mono()}
	if wholeTopic(cause) {
		t.news = true
	}
}

// eased notes that Kafka has taken something.
func (t *troubles) eased(it *item) {
	t.news = t.news || it.ts.blamed > 0 && it.ts.blamed == t.looked
	it.stream.why = nil
	it.ts.acked = t.pass.now
}

// throttle notes that a broker has answered, and how long it wants to be left alone.
func (t *troubles) throttle(broker int32, wait, now time.Duration) {
	if wait <= 0 {
		delete(t.throttled, broker)
		return
	}
	if t.throttled == nil {
		t.throttled = make(map[int32]*throttling)
	}
	if t.throttled[broker] == nil {
		t.throttled[broker] = &throttling{since: now}
	}
	t.throttled[broker].last, t.throttled[broker].wait = now, wait
}

// complain looks why records wait, tells what has lasted, and what is over.
func (t *troubles) complain() {
	if t.engine.teller.waiting.Load() {
		t.tellMore()
	}
	if len(t.active) == 0 && len(t.found) == 0 {
		return
	}
	next := t.looked + lookEvery
	if t.news || t.view != t.lookedAt {
		next = t.looked + lookEvery/10
	}
	if t.pass.now < next && t.lookedAt != nil {
		t.pass.by(next)
		return
	}
	t.lookedAt, t.news, t.looked = t.view, false, t.pass.now
	if t.ctx.Err() != nil || t.view.State == cluster.Closed {
		return // what was found stays
	}
	for _, f := range t.found {
		f.parts = f.parts[:0]
	}
	ready := t.view.State.Ready()
	if ready {
		t.lookAtBrokers()
		for _, ts := range t.active {
			if ts.owned && !ts.leaving {
				t.lookAt(ts)
			}
		}
	}
	for _, ts := range t.active {
		if ts.onHold {
			t.findOnHold(ts)
		}
	}
	t.lookBehind()
	t.conclude(ready)
	if len(t.active) > 0 && ready || len(t.found) > 0 {
		t.pass.by(t.pass.now + lookEvery)
	}
}

// find returns the finding of a cause, which is found now.
func (t *troubles) find(ts *topicState, cause delivery.Cause, broker int32) *finding {
	key := troubleKey{cause: cause, broker: broker}
	if ts != nil {
		key.topic = ts.t.Name()
	}
	f := t.found[key]
	if f == nil {
		if t.found == nil {
			t.found = make(map[troubleKey]*finding)
		}
		f = &finding{key: key, ts: ts, begun: t.pass.now, Trouble: delivery.Trouble{
			Cause: cause, Priority: t.lane.Priority, Cluster: t.cluster.Name(), Topic: key.topic,
			Remedy: remedies[cause], Since: time.Now(),
		}}
		t.found[key] = f
	}
	f.ts, f.seen = ts, t.pass.now
	if ts != nil {
		ts.blamed = t.pass.now
	} else {
		t.blamed = t.pass.now
	}
	return f
}

// oldest returns when the oldest record was sent that waits for f, which is about a topic.
func (f *finding) oldest(now time.Duration) time.Duration {
	if f.Cause == delivery.CauseSchemaUnknown {
		return f.ts.heldAt
	}
	return f.ts.oldest(now)
}

// moment is how long records that f is about may wait without a word, beside their linger.
func (t *troubles) moment(f *finding) time.Duration {
	cfg := t.configOf(f)
	return cfg.LingerIn(t.pass.linger) + min(lookEvery, cfg.DeliveryTimeout/4)
}

// configOf returns the configuration of the topic that f is about, or of the lane.
func (t *troubles) configOf(f *finding) *buffer.Config {
	if f.ts != nil {
		return f.ts.cfg
	}
	return t.lane.Buffer.Config()
}

// conclude tells what has lasted, forgets what is over, and has the rest shown.
func (t *troubles) conclude(ready bool) {
	for key, f := range t.found {
		if f.seen == t.pass.now {
			f.waits = f.ts == nil || t.pass.now-f.oldest(t.pass.now) >= t.moment(f)
		} else if f.waits = false; t.over(f, ready) {
			delete(t.found, key)
			continue
		}
		switch due := f.begun + min(tellAfter, t.configOf(f).DeliveryTimeout/2); {
		case f.told || !f.waits:
		case due <= t.pass.now:
			t.tell(f)
		default:
			t.pass.by(due)
		}
	}
	t.show()
}

// over ends a finding that was not found any more, and reports whether it did. While its cluster is
// away that is what records wait for.
func (t *troubles) over(f *finding, ready bool) bool {
	gone := f.ts != nil && (t.topics[f.ts.t.Name()] != f.ts || !f.ts.owned)
	if !ready && !gone && f.Cause != delivery.CauseUnanswered &&
		f.Cause != delivery.CauseSchemaUnknown {
		f.seen = t.pass.now - 1 // it is not over by that
		return !f.told          // but it begins anew
	}
	rest := tellAfter // brokers that come and go hide a cause now and then
	if f.told {
		rest = overAfter
	}
	if !gone && !t.passed(f) && t.pass.now < f.seen+rest {
		return false
	}
	// else the topic waits for something else by now
	if f.single && (f.ts == nil || f.ts.blamed < t.pass.now) {
		t.tellOver(f)
	}
	return true
}

// passed reports whether a cause that was not found any more is gone, and not only hidden because
// nothing waits for it.
func (t *troubles) passed(f *finding) bool {
	switch f.Cause {
	case delivery.CauseThrottled:
		return t.throttled[f.key.broker] == nil
	case delivery.CauseNoProducerID:
		return t.link.Unidentified() == nil
	case delivery.CauseUnanswered, delivery.CauseSchemaUnknown:
		return true
	}
	return f.ts.acked >= f.seen
}

// show has others see what was found, if that has changed.
func (t *troubles) show() {
	before := 0
	if p := t.shown.Load(); p != nil {
		before = len(*p)
	}
	changed := before != len(t.found)
	for _, f := range t.found {
		current := f.seen == t.pass.now
		visible := f.waits && f.told || current && stated(f.Cause) &&
			t.pass.now >= f.begun+t.moment(f)
		if f.out.Trouble != f.Trouble || f.out.current != current || f.out.visible != visible {
			f.out, changed = Shown{f.Trouble, f.err, slices.Clone(f.parts), current, visible}, true
		}
	}
	if !changed {
		return
	}
	all := make([]Shown, 0, len(t.found))
	for _, f := range t.found {
		all = append(all, f.out)
	}
	slices.SortFunc(all, func(a, b Shown) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic),
			strings.Compare(string(a.Cause), string(b.Cause)), strings.Compare(a.Reason, b.Reason))
	})
	t.shown.Store(&all)
}

// of returns what is Shown of a topic.
func (t *troubles) of(topic string) (all []Shown) {
	p := t.shown.Load()
	if p == nil {
		return nil
	}
	begin, _ := slices.BinarySearchFunc(*p, topic,
		func(s Shown, topic string) int { return strings.Compare(s.Topic, topic) })
	end := begin
	for end < len(*p) && (*p)[end].Topic == topic {
		end++
	}
	return (*p)[begin:end]
}

// Visible reports whether the trouble is to be shown: records have waited for it for more than a
// moment.
func (s *Shown) Visible() bool { return s.visible }
