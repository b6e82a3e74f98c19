package health

import (
	"iter"
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// fresh is for how long a look is good enough for whoever asks.
const fresh = 250 * time.Millisecond

// look is what was seen of a producer at one time. It is not changed.
type look struct {
	at      time.Time
	began   time.Time // when the handler was made
	stats   producer.Stats
	history []producer.Event
	inForce map[string]bool                     // the clusters that are in the settings
	topics  []*producer.TopicStats              // of stats, the most interesting ones
	fell    map[routing.Priority]producer.Event // of the priorities that go to a fallback
	trouble int                                 // how many of all topics are in trouble
	report  Report

	health, data, settings func() []byte // each is encoded once, when somebody wants it
}

// looks looks at a producer, and not too often.
type looks struct {
	p     Source
	began time.Time                                       // fixed by New
	view  func(producer.Config) iter.Seq2[string, string] // of the settings; may be nil

	// guards what follows; held while the producer is looked at: others want the same
	mu     sync.Mutex
	last   *look
	recent recent

	pastAt   time.Time // when pastText was made
	pastText []byte
}

// look returns what the producer is like.
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
	v.health = sync.OnceValue(func() []byte { return encode(v.report) })
	v.data = sync.OnceValue(func() []byte { return encode(v.dataOf()) })
	v.settings = sync.OnceValue(func() []byte { return encode(l.settingsOf(l.p.Config())) })
	l.last = v
	return v
}
