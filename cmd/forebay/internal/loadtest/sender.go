package loadtest

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/forebay-go/forebay/internal/filler"
	"github.com/forebay-go/forebay/producer"
)

// stampLen is the length of what each value begins with: the number of the run, and when the record
// was due. Readers measure by it.
const stampLen = 16

// valueBytes is the memory of the values that a sender repeats. It is more than a batch has, so
// that no codec finds a value twice.
const valueBytes = 4 << 20

// sender sends records at times that do not depend on Kafka.
type sender struct {
	to     producer.Sender
	meter  *meter
	config *Config
	run    uint64 // a random number that the values have
	values [][]byte
	key    []byte
	next   int // of values
}

func newSender(to producer.Sender, m *meter, c *Config) *sender {
	s := &sender{to: to, meter: m, config: c, run: rand.Uint64() | 1, // 0 is that of old records
		values: make([][]byte, min(max(valueBytes/c.Bytes, 16), 1<<16))}
	for i := range s.values {
		s.values[i] = make([]byte, c.Bytes)
		filler.Fill(s.values[i][stampLen:], uint64(i))
	}
	return s
}

// sent is what a sender did in one measurement. All but accepted is without the warm-up.
type sent struct {
	accepted uint64 // by Send, in the warm-up too
	calls    uint64
	within   uint64 // calls before the end of the measurement
	refused  uint64
	notSent  uint64
	bytes    uint64 // of the keys and values of calls
	reasons  map[string]uint64
	late     histogram
}

// refresh is how many records are sent before the clock is read again. Reading it for each would
// take a third of the time.
const refresh = 16

// send sends records at a rate from t.start until upto or until ctx ends. What is late is sent at
// once. A sender that is far behind at the end gives the rest up.
func (s *sender) send(ctx context.Context, t *tally, rate float64, upto time.Duration) *sent {
	done := &sent{reasons: make(map[string]uint64), late: newHistogram()}
	giveUp := upto + max(time.Second, (upto-t.from)/10)
	interval := float64(time.Second) / rate
	now := s.meter.since()
	for i := uint64(0); ; i++ {
		due := t.start + time.Duration(float64(i)*interval)
		if due >= upto {
			return done
		}
		if due > now || i%refresh == 0 {
			now = s.meter.since()
			if due > now {
				sleep(ctx, due-now)
				now = s.meter.since()
			}
			if ctx.Err() != nil {
				return done
			}
		}
		if now >= giveUp {
			done.notSent = uint64(math.Ceil(float64(upto-due) / interval))
			return done
		}
		s.one(done, t, i, due, now, upto)
	}
}

// one sends the record number i of a measurement.
func (s *sender) one(done *sent, t *tally, i uint64, due, now, upto time.Duration) {
	rec := s.record(i, s.run, due)
	err := s.to.Send(rec)
	if err == nil {
		done.accepted++
	}
	if due < t.from {
		return
	}
	done.calls++
	done.bytes += uint64(len(rec.Key) + len(rec.Value))
	done.late.record(now - due)
	if now < upto {
		done.within++
	}
	if err != nil {
		done.refused++
		done.reasons[whyRefused(err)]++
	}
}

// record makes a record. Send copies it, so that the next one uses the same memory.
func (s *sender) record(i, run uint64, due time.Duration) producer.Record {
	value := s.values[s.next]
	if s.next++; s.next == len(s.values) {
		s.next = 0
	}
	binary.BigEndian.PutUint64(value, run)
	binary.BigEndian.PutUint64(value[8:], uint64(due))
	rec := producer.Record{Topic: s.config.Topic, Value: value, Priority: s.config.Priority,
		Tag: uint64(due)}
	if s.config.Keys > 0 {
		s.key = strconv.AppendUint(append(s.key[:0], "key-"...), i%uint64(s.config.Keys), 10)
		rec.Key = s.key
	}
	return rec
}

// stampOf returns when a record was due, if this run has sent it.
func stampOf(value []byte, run uint64) (due time.Duration, ok bool) {
	if len(value) < stampLen || binary.BigEndian.Uint64(value) != run {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint64(value[8:])), true
}

// whyRefused returns the error of Send without the topic.
func whyRefused(err error) string {
	if e, ok := errors.AsType[*producer.SendError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
