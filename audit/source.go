package audit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// SourceConfig says which records of a producer are audited.
type SourceConfig struct {
	// Instance is the name of this process: no other that runs at the same time has it. The default
	// is the name of the host.
	Instance string `yaml:"instance"`

	// Topics says which topics are audited, by the first entry with the exact name of a topic, or
	// else the first pattern that matches. Without entries all topics are, all records of them.
	Topics []TopicShare `yaml:"topics"`

	// StatementTopic is where statements go. The default is StatementTopic, "forebay-audit".
	StatementTopic string `yaml:"statement_topic"`

	// Interval is the time between two versions of a statement. The default is 5 s. NewSource
	// rejects less than 100 ms and more than a minute.
	Interval time.Duration `yaml:"interval"`

	// MaxBytes bounds the statements that wait for the statement topic, in bytes. The default is
	// 16 MiB. Beyond it the oldest are given up: their records count as unstated, never as lost.
	MaxBytes int64 `yaml:"max_bytes"`

	// Intended is for records whose Timestamp is the time at which they were to be sent, as those
	// of a load at a fixed rate. The header has this time then. It must be set only then: the time
	// of an event is most often another.
	Intended bool `yaml:"-"`

	// Ordered is for producers where one goroutine sends all records with the same key to a topic.
	// Readers then report records that are behind a later one of their key.
	Ordered bool `yaml:"ordered"`
}

// TopicShare says which part of some topics is audited.
type TopicShare struct {
	// Topic is the name of a topic, or a pattern such as "playback.*", in the syntax of path.Match.
	// Required.
	Topic string `yaml:"topic"`

	// Every audits one record of so many. 1 audits all of them, 0 none. A pointer that is nil means
	// 1.
	Every *uint64 `yaml:"every"`
}

// maxStreams bounds the topics that a source audits. Others pass without a header, and are counted.
const maxStreams = 10_000

// Source makes the records of a producer audited ones: it numbers them in a header, and states what
// became of each number. It is a producer.Observer:
//
//	source, err := audit.NewSource(audit.SourceConfig{})
//	p, err := producer.New(config, producer.WithObserver(source))
//	source.Start(p)
//	…
//	err = source.Close(ctx) // waits for outcomes, and delivers the last statements
//	summary, err := p.Close(ctx)
//
// A record takes 59 bytes more in Kafka. If statements cannot be delivered, no record is delayed,
// refused or lost for it: statements have low priority, and MaxBytes bounds what waits.
//
// A Source is safe for concurrent use.
type Source struct {
	cfg     SourceConfig
	id      InstanceID
	run     uint64
	started time.Time
	topics  *routing.Table

	streams sync.Map // topic → *stream; nil: it is not audited
	count   atomic.Int64
	tags    tags
	// of the last record and of the last report: most follow one of the same topic
	lastSent, lastTold atomic.Pointer[stream]

	state   stating
	skipped atomic.Uint64
}

// SourceStats is what a source has done.
type SourceStats struct {
	Stamped uint64 // records that got a header
	Skipped uint64 // without: too large for one more header, or of a topic after the ten thousandth

	// Unstated records have a number and no fate in the statements: statements were given up for
	// lack of room, or reports of the producer were dropped (Reports.MaxBytes).
	Unstated uint64

	Open    uint64 // records without an outcome yet
	Unsaid  uint64 // records with an outcome that no delivered statement has yet
	Waiting int64  // bytes of statements that wait for the statement topic
	Ended   bool   // Close has delivered the last statement
}

// AllStated reports whether the source has ended, and has stated what became of each record.
func (s *SourceStats) AllStated() bool { return s.Ended && s.Open+s.Unsaid+s.Unstated == 0 }

// complete fills the defaults in, and returns all mistakes.
func (c *SourceConfig) complete() error {
	var wrong []error
	if c.Instance == "" {
		name, err := os.Hostname()
		if err != nil || name == "" {
			wrong = append(wrong, errors.New("instance: empty, and the host has no name: write "+
				"one"))
		}
		c.Instance = name
	}
	if strings.Contains(c.Instance, "/") || len(c.Instance) > 200 {
		wrong = append(wrong, fmt.Errorf("instance: %q: write at most 200 characters without a "+
			"slash", c.Instance))
	}
	wrong = append(wrong, completeStatements(&c.StatementTopic, &c.Interval))
	if c.MaxBytes == 0 {
		c.MaxBytes = 16 << 20
	}
	if c.MaxBytes < 1<<20 {
		wrong = append(wrong, fmt.Errorf("max_bytes: %d: write at least %d (1 MiB)", c.MaxBytes,
			1<<20))
	}
	_, err := tableOf(c.Topics)
	return errors.Join(append(wrong, err)...)
}

// NewSource checks cfg. Its error lists every mistake.
func NewSource(cfg SourceConfig) (*Source, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return newSource(cfg), nil
}

// newSource is NewSource for settings that are complete.
func newSource(cfg SourceConfig) *Source {
	topics, _ := tableOf(cfg.Topics) // complete has looked
	now := time.Now()
	s := &Source{cfg: cfg, id: IDOf(cfg.Instance), started: now, topics: topics, run: runAt(now)}
	s.state.init()
	return s
}

// runAt returns a number for a run that starts now: no other run of the instance has it.
func runAt(now time.Time) uint64 { return uint64(now.UnixMicro())<<12 | rand.Uint64N(1<<12) }

// startOf returns when a run started.
func startOf(run uint64) time.Time { return time.UnixMicro(int64(run >> 12)).UTC() }

// tableOf returns a table that finds the entry of a topic.
func tableOf(shares []TopicShare) (*routing.Table, error) {
	rules := make([]routing.Rule, len(shares))
	for i, t := range shares {
		rules[i] = routing.Rule{Topic: t.Topic, Priority: routing.Low}
	}
	return routing.NewTable(rules)
}

// every returns which part of a topic is audited: one record of so many; 0: none.
func (s *Source) every(topic string) uint64 {
	i := s.topics.Match(topic)
	switch {
	case topic == s.cfg.StatementTopic:
		s.state.watched.Store(true) // the statements pass by the source itself
		return 0
	case len(s.cfg.Topics) == 0:
		return 1
	case i < 0:
		return 0
	case s.cfg.Topics[i].Every == nil:
		return 1
	}
	return *s.cfg.Topics[i].Every
}

// Run returns the number of this start, which the headers have.
func (s *Source) Run() uint64 { return s.run }

// Instance returns the name of the instance.
func (s *Source) Instance() string { return s.cfg.Instance }

// stream returns the stream of topic; nil if it is not audited.
func (s *Source) stream(topic string) *stream {
	if found, ok := s.streams.Load(topic); ok {
		return found.(*stream)
	}
	every := s.every(topic)
	if s.count.Load() >= maxStreams {
		if every > 0 {
			s.skipped.Add(1)
		}
		return nil
	}
	var made *stream
	if every > 0 {
		made = &stream{topic: strings.Clone(topic), every: every}
	}
	found, had := s.streams.LoadOrStore(strings.Clone(topic), made)
	if !had {
		s.count.Add(1)
	}
	return found.(*stream)
}

// eachStream calls yield for each topic that is audited.
func (s *Source) eachStream(yield func(*stream) bool) {
	s.streams.Range(func(_, v any) bool {
		st := v.(*stream)
		return st == nil || yield(st)
	})
}

// cached is stream where last is often the one.
func (s *Source) cached(last *atomic.Pointer[stream], topic string) *stream {
	if st := last.Load(); st != nil && st.topic == topic {
		return st
	}
	st := s.stream(topic)
	if st != nil {
		last.Store(st)
	}
	return st
}

// Sending gives the record its number. It implements producer.Observer.
func (s *Source) Sending(out *producer.Outgoing) {
	st := s.cached(&s.lastSent, out.Topic)
	if st != nil && out.Room() < headerRoom {
		s.skipped.Add(1)
		st = nil
	}
	if st == nil || out.Tag != 0 && s.tags.full() {
		out.Tag = s.tags.foreign(out.Tag)
		return
	}
	intended, bucket := out.Now.UnixNano(), BucketOf(out.Now)
	if s.cfg.Intended && !out.Timestamp.IsZero() {
		// what is to be sent later is sent now: no bucket begins before its time, and stays open
		// until then
		intended, bucket = out.Timestamp.UnixNano(), min(bucket, BucketOf(out.Timestamp))
	}
	sequence, bucket, ok := st.stamp(bucket)
	if !ok {
		out.Tag = s.tags.foreign(out.Tag)
		return
	}
	value := (*encoded)(out.MakeHeader(HeaderKey, HeaderBytes))
	value.begin(s.id, s.run)
	value.end(s.cfg.Ordered && out.Key != nil, bucket, sequence, intended)
	out.Tag = s.tags.of(sequence, out.Tag)
}

// Refused states that a record was refused. It implements producer.Observer.
func (s *Source) Refused(out *producer.Outgoing, _ error) {
	sequence, _, stamped := s.tags.take(out.Tag)
	if st := s.stream(out.Topic); stamped && st != nil {
		st.settle(sequence, fate{kind: fateRefused}, 0, noOffset)
	}
}

// Outcome notes what became of a record, and gives the report the tag of the application. It
// implements producer.Observer.
func (s *Source) Outcome(r *producer.Report) {
	sequence, tag, stamped := s.tags.take(r.Tag)
	r.Tag = tag
	if r.Record != nil {
		r.Record.Tag = tag
		if stamped {
			r.Record.Headers = slices.Clip(withoutHeader(r.Record.Headers))
		}
	}
	if !stamped {
		return
	}
	st := s.cached(&s.lastTold, r.Topic)
	if st == nil {
		return
	}
	st.settle(sequence, fateOf(r.Outcome, r.Reason, r.MaybeDuplicated, r.Cluster), r.Partition,
		r.Offset)
}

// Stats returns what the source has done.
func (s *Source) Stats() SourceStats {
	stats := SourceStats{Skipped: s.skipped.Load(), Waiting: s.state.waiting.Load()}
	for st := range s.eachStream {
		st.addTo(&stats)
	}
	stats.Ended = s.state.farewell.Load() == delivered
	return stats
}
