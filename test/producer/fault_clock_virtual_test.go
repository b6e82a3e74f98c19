//go:build synctests

package producer_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// wallClock is a clock that can be set; the monotonic one goes on.
type wallClock struct{ ahead atomic.Int64 }

func (w *wallClock) now() time.Time          { return time.Now().Add(time.Duration(w.ahead.Load())) }
func (w *wallClock) set(ahead time.Duration) { w.ahead.Store(int64(ahead)) }

// The wall clock jumps by two hours and back: records are stamped by it, within 100 ms, and nothing
// else follows it.
func TestVirtual_F19_AJumpOfTheWallClockMovesStampsAndNoTimer(t *testing.T) {
	for _, jump := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wall := new(wallClock)
				var when []time.Duration // of Send, by tag
				begin := time.Now()
				var jumped, back time.Duration
				judged(t, proof.Of(t, "F19"),
					setup{anyTime: true,
						options: []producer.Option{withWallClock(wall.now)},
						change: func(c *producer.Config) {
							c.Priorities.Medium.DeliveryTimeout = time.Minute
						}}, func(b *bubble) {
						stream := func(d time.Duration) {
							for range d / (10 * time.Millisecond) {
								when = append(when, time.Since(begin))
								require.NoError(t,
									b.ledger.Send(b.p, producer.Record{Topic: "events"}))
								time.Sleep(10 * time.Millisecond)
							}
						}
						stream(5 * time.Second)
						wall.set(jump)
						jumped = time.Since(begin)
						stream(5 * time.Second)
						b.rest()
						require.Less(t, b.longest["events"], 50*time.Millisecond, "lingers as ever")
						wall.set(0)
						back = time.Since(begin)
						stream(5 * time.Second)
						b.flush()
						require.Less(t, b.longest["events"], 50*time.Millisecond)

						for _, r := range b.k.read(t, "events") {
							sent := when[tagOf(r)]
							ahead := r.Timestamp.Sub(begin.Add(sent))
							switch {
							case sent > jumped+100*time.Millisecond && sent < back:
								require.InDelta(t, jump, ahead, float64(2*time.Millisecond))
							case sent < jumped || sent > back+100*time.Millisecond:
								require.InDelta(t, 0, ahead, float64(2*time.Millisecond))
							}
						}
						b.proof.Bit("jumps of the wall clock", 2)
					})
			})
		})
	}
}

// The wall clock jumps while records wait: their delivery timeout is over when it is over.
func TestVirtual_F19_AJumpOfTheWallClockExpiresNothingEarlyOrLate(t *testing.T) {
	for _, jump := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const timeout = 16 * time.Second
				wall := new(wallClock)
				s := judged(t, proof.Of(t, "F19", "F5"),
					setup{anyTime: true,
						options: []producer.Option{withWallClock(wall.now)},
						change: func(c *producer.Config) {
							c.Priorities.Medium.DeliveryTimeout = timeout
						}}, func(b *bubble) {
						b.also = func(r producer.Report) {
							require.LessOrEqual(t, r.Waited, timeout)
							require.Greater(t, r.Waited, timeout-timeout/16-time.Millisecond)
						}
						b.k.link.Cut()
						b.stream(5*time.Second, 3, "events")
						wall.set(jump)
						b.stream(5*time.Second, 3, "events")
						wall.set(0)
						b.stream(5*time.Second, 3, "events")
						b.flush()
						b.proof.Bit("jumps of the wall clock", 2)
					})
				require.Equal(t, s.Total.Accepted, s.Total.Expired)
			})
		})
	}
}

// The longest times that New takes are as good as none: nothing expires, and nothing moves.
func TestVirtual_F8_TheLongestTimesDoNotComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		longest := func(c *producer.Config) {
			pc := &c.Priorities.Medium
			pc.DeliveryTimeout, pc.MoveUnresolvedAfter = 365*24*time.Hour, 365*24*time.Hour
			pc.FallbackAfter, pc.ReturnAfter, pc.SwitchEvery = 365*24*time.Hour, 365*24*time.Hour, 365*24*time.Hour
		}
		s := judged(t, proof.Of(t, "F8"), setup{change: longest,
			topics: map[string]int32{"events": 6}}, func(b *bubble) {
			b.send("events", 10)
			b.flush() // there is a producer ID
			for range 20 {
				b.k.link.CutAfterWrites(3)
				b.stream(time.Second, 10, "events")
				b.k.link.CutAfterWrites(0)
				b.stream(time.Second, 10, "events")
			}
			b.proof.Bit("connections cut right after a write", b.k.link.Cuts())
		})
		require.Zero(t, s.Total.MaybeDuplicated)
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}
