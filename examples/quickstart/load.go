package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// stream is what the application sends to one topic.
type stream struct {
	topic string
	// how many keys its records have in turn; 0 for records without a key, which have no order
	keys int
}

// streams are the topics of each priority, and rates their records per second, both topics
// together.
var (
	streams = map[routing.Priority][]stream{
		routing.High:   {{topic: "playback.start"}, {topic: "playback.position", keys: 50}},
		routing.Medium: {{topic: "ui.click"}, {topic: "search.query", keys: 20}},
		routing.Low:    {{topic: "error.log"}, {topic: "request.trace"}},
	}
	rates = map[routing.Priority]float64{routing.High: 1000, routing.Medium: 1000,
		routing.Low: 2000}
)

func topicsOf(priority routing.Priority) []string {
	var topics []string
	for _, s := range streams[priority] {
		topics = append(topics, s.topic)
	}
	return topics
}

// identity tells a record from all others. It is the record's value, so it can be recognised when
// it is read.
type identity struct {
	priority routing.Priority
	number   uint64
}

func (id identity) String() string { return fmt.Sprintf("%v %d", id.priority, id.number) }

func (id identity) appendTo(buf []byte) []byte {
	buf = append(buf, id.priority.String()...)
	return strconv.AppendUint(append(buf, ' '), id.number, 10)
}

func parseIdentity(value []byte) (identity, error) {
	name, digits, _ := strings.Cut(string(value), " ")
	priority, err := routing.ParsePriority(name)
	if err != nil {
		return identity{}, fmt.Errorf("not one of our records: %q: %w", value, err)
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return identity{}, fmt.Errorf("not one of our records: %q: %w", value, err)
	}
	return identity{priority, number}, nil
}

// load is the application: a sender for each priority.
type load struct {
	senders []*sender
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// startLoad sends to p at the rates above, until stop.
func startLoad(p *producer.Producer) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel}
	for _, priority := range routing.All {
		s := &sender{p: p, priority: priority}
		l.senders = append(l.senders, s)
		l.running.Go(func() { s.run(ctx) })
	}
	return l
}

// stop ends the senders and waits for them. What they found out may be read from then on. Calling
// it again is harmless.
func (l *load) stop() {
	l.cancel()
	l.running.Wait()
}

// accepted returns every record that Send took. Only after stop.
func (l *load) accepted() []identity {
	var all []identity
	for _, s := range l.senders {
		all = append(all, s.accepted...)
	}
	return all
}

// refused returns how many records Send did not take, and why it did not take the last of them.
// Only after stop.
func (l *load) refused() (n int, err error) {
	for _, s := range l.senders {
		if n += s.refused; s.err != nil {
			err = s.err
		}
	}
	return n, err
}

// calls returns how long each call of Send took, shortest first. Only after stop.
func (l *load) calls() []time.Duration {
	var all []time.Duration
	for _, s := range l.senders {
		all = append(all, s.calls...)
	}
	slices.Sort(all)
	return all
}

// longestEmpty returns the longest empty pass: see sender. Only after stop.
func (l *load) longestEmpty() (longest time.Duration) {
	for _, s := range l.senders {
		longest = max(longest, s.longestEmpty)
	}
	return longest
}

// sender sends the records of one priority, and measures how long Send takes.
//
// The machine may pause any program for a while, inside Send as well as elsewhere. To tell such a
// pause from a Send that waits, the sender spends as much time in empty passes, which call nothing,
// as it spends in Send, and measures them the same way.
type sender struct {
	p        *producer.Producer
	priority routing.Priority
	value    []byte // used again for each record: Send copies it

	// What it found out; run's until it ends.
	accepted        []identity
	refused         int
	err             error           // why the last of the refused was refused
	calls           []time.Duration // one for each Send
	longestEmpty    time.Duration
	inSend, inEmpty time.Duration // in all
}

// run sends in small bursts, so that the rate is right even where timers are late.
func (s *sender) run(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	begun, number := time.Now(), uint64(0)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for due := uint64(time.Since(begun).Seconds() * rates[s.priority]); number < due; {
			number++
			s.send(identity{s.priority, number})
			s.passEmpty()
		}
	}
}

// send sends one record. What is refused is not sent again: a real application would decide what
// that event is worth.
func (s *sender) send(id identity) {
	mine := streams[id.priority]
	to := mine[id.number%uint64(len(mine))]
	s.value = id.appendTo(s.value[:0])
	rec := producer.Record{Topic: to.topic, Value: s.value}
	if to.keys > 0 {
		rec.Key = fmt.Appendf(nil, "viewer-%02d", id.number/2%uint64(to.keys))
	}

	before := time.Now()
	err := s.p.Send(rec)
	took := time.Since(before)

	s.inSend += took
	s.calls = append(s.calls, took)
	if err != nil {
		s.refused, s.err = s.refused+1, err
		return
	}
	s.accepted = append(s.accepted, id)
}

// passEmpty makes up for the time that was spent in Send.
func (s *sender) passEmpty() {
	for s.inEmpty < s.inSend {
		before := time.Now()
		took := time.Since(before)

		s.inEmpty += took
		s.longestEmpty = max(s.longestEmpty, took)
	}
}
