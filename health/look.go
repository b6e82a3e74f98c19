package health

import (
	"iter"
	"sync"
	"time"

	"github.com/forebay-go/forebay/internal/page"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// fresh is how long a look is served again instead of a new one.
const fresh = 250 * time.Millisecond

// look holds the state of a producer at one time. It never changes.
type look struct {
	at      time.Time
	began   time.Time // when the handler was made
	stats   producer.Stats
	history []producer.Event
	inForce map[string]bool                     // the clusters that are in the settings
	topics  []*producer.TopicStats              // the first of stats by interest
	fell    map[routing.Priority]producer.Event // the fallbacks in use, by priority
	trouble int                                 // how many topics are in trouble
	report  Report

	health, data, settings func() []byte // each encodes once, on first use
}

// looks takes looks at a producer, at most one each fresh.
type looks struct {
	p     Source
	began time.Time                                       // fixed by New
	view  func(producer.Config) iter.Seq2[string, string] // of the settings; may be nil

	// guards the fields below; held while Stats runs, because all callers want that one result
	mu     sync.Mutex
	last   *look
	recent recent

	pastAt   time.Time // when pastText was made
	pastText []byte
}

// look returns the state of the producer, at most fresh old.
func (l *looks) look() *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && time.Since(l.last.at) < fresh {
		return l.last
	}
	v := &look{began: l.began, stats: l.p.Stats(), history: l.p.History(),
		inForce: make(map[string]bool), fell: make(map[routing.Priority]producer.Event)}
	v.at = time.Now()
	for event := range l.p.Current() {
		if event.Kind == producer.EventCluster {
			v.inForce[event.Cluster] = true
		}
		if event.Kind == producer.EventFellBack {
			v.fell[event.Priority] = event
		}
	}
	v.topics, v.trouble = byInterest(v.stats.Topics)
	lost := lossesOf(&v.stats)
	since, before := l.recent.note(v.at, lost)
	v.report = v.reportOf(lost, before, since)
	v.health = sync.OnceValue(func() []byte { return page.Encode(v.report) })
	v.data = sync.OnceValue(func() []byte { return page.Encode(v.dataOf()) })
	v.settings = sync.OnceValue(func() []byte { return page.Encode(l.settingsOf(l.p.Config())) })
	l.last = v
	return v
}
