//go:build synctests

package producer_test

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// loggedTo judges a producer with much to log.
func loggedTo(t *testing.T, c *proof.Case, log producer.Option) producer.Stats {
	return judged(t, c, setup{options: []producer.Option{log}}, func(b *bubble) {
		for range 3 {
			b.stream(time.Second, 3, "events")
			b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownServerError,
				Count: 20})
			b.stream(10*time.Second, 3, "events")
			b.k.link.Cut()
			b.stream(time.Minute, 3, "events")
			before := b.p.Stats().Total.Delivered
			b.k.link.Restore()
			time.Sleep(soon + probeMax)
			require.Greater(t, b.p.Stats().Total.Delivered, before)
			c.Held("I10", 1)
		}
	})
}

// handler is a handler of slog that does something in some of its methods, or in all.
type handler struct {
	slog.Handler
	in string // a method; "" for all
	do func()
}

func (h handler) at(method string) {
	if h.in == "" || h.in == method {
		h.do()
	}
}

func (h handler) Enabled(ctx context.Context, l slog.Level) bool {
	h.at("Enabled")
	return h.Handler.Enabled(ctx, l)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.at("WithAttrs")
	return handler{h.Handler.WithAttrs(attrs), h.in, h.do}
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	h.at("Handle")
	return h.Handler.Handle(ctx, r)
}

// loggers are an application's loggers that do something whenever they are asked for anything.
var loggers = map[string]func(do func()) producer.Option{
	"zap": func(do func()) producer.Option {
		return producer.WithLogger(zap.New(through{zap.DebugLevel, func(zapcore.Entry) { do() }}))
	},
	"zap, asked for its level": func(do func()) producer.Option {
		return producer.WithLogger(zap.New(through{zap.LevelEnablerFunc(func(zapcore.Level) bool {
			do()
			return true
		}), func(zapcore.Entry) {}}))
	},
	"slog": func(do func()) producer.Option {
		return producer.WithSlog(slog.New(handler{slog.NewJSONHandler(io.Discard, nil), "Handle",
			do}))
	},
	"slog, asked for anything": func(do func()) producer.Option {
		return producer.WithSlog(slog.New(handler{slog.NewJSONHandler(io.Discard, nil), "", do}))
	},
}

func TestVirtual_F18_ALoggerThatHangsStopsNobodysDelivery(t *testing.T) {
	for name, logger := range loggers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var hung atomic.Int64
				release := make(chan struct{})
				c := proof.Of(t, "F18")
				// so that Close, too, has it hanging
				time.AfterFunc(time.Hour, func() { close(release) })
				s := loggedTo(t, c, logger(func() {
					hung.Add(1)
					<-release
				}))
				time.Sleep(2 * time.Hour)
				c.Bit("lines that hung", hung.Load())
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

func TestVirtual_F18_ALoggerThatPanicsStopsNobodysDelivery(t *testing.T) {
	for name, logger := range loggers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var panics atomic.Int64
				c := proof.Of(t, "F18")
				s := loggedTo(t, c, logger(func() {
					panics.Add(1)
					panic("a logger's own mistake")
				}))
				c.Bit("panics of the logger", panics.Load())
				c.Held("I17", uint64(panics.Load()))
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// An hour of each kind of trouble is told in a bounded number of lines, of which docs/logs.md has
// every one.
func TestVirtual_F18_AnHourOfTroubleIsToldInFewLines(t *testing.T) {
	anHour := func(every time.Duration, do func()) {
		for begin := time.Now(); time.Since(begin) < time.Hour; time.Sleep(every) {
			do()
		}
	}
	cut := func(b *bubble) {
		b.k.link.Cut()
		b.proof.Bit("times the network was cut", 1)
	}
	const perMessage = 60 * 20 // whatever happens
	for _, x := range []struct {
		name     string
		maxBytes int64
		most     int // lines
		load     func(*bubble)
	}{
		{name: "away", most: 2 /* degraded, then down */, load: func(b *bubble) {
			cut(b)
			anHour(time.Minute, func() { b.send("events", 10) })
		}},
		{name: "away, and the buffer is full", maxBytes: 1 << 20, most: 3 +
			int(time.Hour/(5*time.Second)), load: func(b *bubble) {
			cut(b)
			anHour(time.Second, func() {
				for b.ledger.Send(b.p, producer.Record{Topic: "events",
					Value: make([]byte, 10_000)}) == nil {
				}
			})
		}},
		{name: "there and away every second", most: 3 * perMessage, load: func(b *bubble) {
			anHour(500*time.Millisecond, func() {
				cut(b)
				b.send("events", 10)
				time.Sleep(500 * time.Millisecond)
				b.k.link.Restore()
			})
		}},
		{name: "an error for every batch", most: 1, load: func(b *bubble) {
			anHour(10*time.Second, func() {
				fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
					Err: kerr.UnknownServerError, Count: 5})
				b.send("events", 10)
				b.flush()
				b.proof.Bit("batches answered with an error", int64(fault.Hits()))
				fault.Remove()
			})
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F18", "F5")
				judged(t, c, setup{change: func(c *producer.Config) {
					c.Buffer.MaxBytes = x.maxBytes
					c.Priorities.Medium.DeliveryTimeout = 2 * time.Hour
				}}, func(b *bubble) {
					b.stream(time.Second, 3, "events")
					before := b.logs.Len()
					x.load(b)
					lines := make(map[string]int)
					for _, line := range b.logs.All()[before:] {
						lines[line.Message]++
					}
					t.Log(lines)
					require.LessOrEqual(t, b.logs.Len()-before, x.most)
					c.Held("I16", 1)
					c.Figure("log lines in an hour, "+x.name, "%d", b.logs.Len()-before)
					b.k.link.Restore()
				})
			})
		})
	}
}

// What FAQ.md says of an hour without Kafka, counted.
func TestVirtual_F5_AnHourAwayCostsFewLinesDialsAndLookUps(t *testing.T) {
	for name, away := range map[string]func(b *bubble){
		"refused":    func(b *bubble) { b.k.link.Cut() },
		"black hole": func(b *bubble) { b.k.link.Hole() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F5")
				r := new(resolver)
				s := resolving(r, func() {})
				s.brokers = 3
				s.change = func(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = 2 * time.Hour }
				judged(t, c, s, func(b *bubble) {
					b.stream(10*time.Second, 3, "events")
					b.flush()
					lines, dials, lookups := b.logs.Len(), b.k.link.Dials(), b.p.Stats().Names.Lookups
					away(b)
					for range 3600 {
						b.send("events", 10)
						time.Sleep(time.Second)
					}
					stats := b.p.Stats()
					require.EqualValues(t, 36_000, stats.Total.Pending)
					c.Bit("connection attempts in an hour", b.k.link.Dials()-dials)
					t.Logf("%d lines, %d dials, %d look-ups, %d bytes for %d records",
						b.logs.Len()-lines, b.k.link.Dials()-dials,
						stats.Names.Lookups-lookups, stats.HeldBytes, stats.Total.Pending)
					require.LessOrEqual(t, b.logs.Len()-lines, 2, "degraded, then down")
					require.LessOrEqual(t, b.k.link.Dials()-dials, int64(3*2*3600),
						"two a second for each broker")
					require.LessOrEqual(t, int64(stats.Names.Lookups-lookups),
						b.k.link.Dials()-dials+120, "one for each attempt, and for each refresh")
					c.Held("I16", 1)
					c.Figure("an hour without three brokers, "+name,
						"%d log lines, %d connection attempts, %d look-ups of their name",
						b.logs.Len()-lines, b.k.link.Dials()-dials, stats.Names.Lookups-lookups)
					b.k.link.Restore()
				})
			})
		})
	}
}
