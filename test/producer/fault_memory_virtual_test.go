//go:build synctests

package producer_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

// In these tests the memory is short: lanes, and topics, get in each other's way there.

// scarce is a small memory, and topics whose names say what priority they have.
func scarce(change ...func(*producer.Config)) func(*producer.Config) {
	return func(c *producer.Config) {
		c.Buffer.MaxBytes = 4 << 20
		c.Batching.MaxBytes = 64 << 10
		c.Reports.MaxBytes = c.Buffer.MaxBytes
		for _, p := range routing.All {
			c.Topics = append(c.Topics, producer.TopicConfig{Topic: p.String() + "*", Priority: p})
		}
		for _, fn := range change {
			fn(c)
		}
	}
}

// try sends n records of size bytes and returns how many were refused, which must be for lack of
// room.
func (b *bubble) try(topic string, n, size int) (refused int64) {
	b.t.Helper()
	for range n {
		if err := b.ledger.Send(b.p, producer.Record{Topic: topic,
			Value: make([]byte, size)}); err != nil {
			require.ErrorIs(b.t, err, producer.ErrBufferFull)
			refused++
		}
	}
	return refused
}

// fill sends records of a thousand bytes until one is refused, and returns that error.
func (b *bubble) fill(topic string) error {
	b.t.Helper()
	for range 100_000 {
		if err := b.ledger.Send(b.p, producer.Record{Topic: topic,
			Value: make([]byte, 1000)}); err != nil {
			require.ErrorIs(b.t, err, producer.ErrBufferFull)
			return err
		}
	}
	b.t.Fatalf("%s is never full", topic)
	return nil
}

// bounded checks what holds at every instant.
func (b *bubble) bounded() producer.Stats {
	b.t.Helper()
	s := b.p.Stats()
	require.LessOrEqual(b.t, s.HeldBytes, s.MaxBytes)
	sum := int64(0)
	for _, held := range s.Held {
		require.GreaterOrEqual(b.t, held, int64(0))
		sum += held
	}
	require.Equal(b.t, s.HeldBytes, sum)
	require.True(b.t, s.Total.Balanced(), "%+v", s.Total)
	return s
}

// books returns those of one topic.
func (b *bubble) books(topic string) *producer.Books {
	for _, row := range b.p.Stats().Topics {
		if row.Topic == topic {
			return &row.Books
		}
	}
	return new(producer.Books)
}

// I12, but for how long things take: that is measured on real brokers.
func TestVirtual_F15_HighLosesNothingWhileLowFloods(t *testing.T) {
	for name, fault := range map[string]func(*bubble){
		"cut":  func(b *bubble) { b.k.link.Cut() },
		"slow": func(b *bubble) { b.k.link.Delay(200 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topics := map[string]int32{"low": 3, "low.small": 3, "high": 3, "high.keyed": 2}
				c := proof.Of(t, "F15")
				s := judged(t, c, setup{topics: topics, change: scarce()}, func(b *bubble) {
					bare := uint64(0)
					b.also = func(r producer.Report) {
						if r.Reason == producer.ReasonPreemptedByHigh {
							require.Nil(t, r.Record)
							require.Equal(t, routing.Low, r.Priority)
							bare++
						}
					}
					fault(b)
					refused := int64(0)
					for range 1500 {
						refused += b.try("low", 10, 10_000) // 10 MB/s
						refused += b.try("low.small", 1, 10)
						require.Zero(t, b.try("high", 5, 300))
						for k := range 3 {
							require.NoError(t,
								b.ledger.Send(b.p,
									producer.Record{Topic: "high.keyed", Key: fmt.Append(nil, k)}))
						}
						b.bounded()
						time.Sleep(10 * time.Millisecond)
					}
					b.proof.Bit("records of low refused", refused)
					b.k.link.Restore()
					b.k.link.Delay(0)
					b.flush()
					require.NotZero(t, bare)
					s := b.bounded()
					require.Equal(t, bare, s.Total.Lost(producer.ReasonPreemptedByHigh))
					b.proof.Bit("records of low preempted by high", int64(bare))
				})
				high := s.Priorities[routing.High]
				require.Equal(t, high.Accepted, high.Delivered)
				require.EqualValues(t, 1500*8, high.Accepted)
				require.Zero(t, high.Refused)
				c.Held("I12", high.Delivered)
			})
		})
	}
}

// An unused guarantee is lent to lower priorities only: the outage of high's cluster stops nobody
// below.
func TestVirtual_F15_LowAndMediumGoOnWhileTheClusterOfHighIsAwayAndHasFilledTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := func(c *producer.Config) {
			c.Clusters["away"] = producer.ClusterConfig{Brokers: []string{"127.0.0.1:1"}}
			c.Priorities.Low.Cluster, c.Priorities.Medium.Cluster = "events", "events"
			c.Priorities.High = producer.PriorityConfig{Cluster: "away",
				DeliveryTimeout: 5 * time.Minute}
		}
		topics := map[string]int32{"low": 3, "medium": 3}
		s := judged(t, proof.Of(t, "F15", "F14"), setup{topics: topics, change: scarce(away)},
			func(b *bubble) {
				b.try("low", 1, 10)
				b.try("medium", 1, 10)
				full := int64(0)
				for range 3000 {
					_ = b.fill("high")
					full++
					require.Zero(t, b.try("low", 5, 300))
					require.Zero(t, b.try("medium", 5, 300))
					b.bounded()
					time.Sleep(10 * time.Millisecond)
				}
				b.proof.Bit("times that high was refused", full)
				b.rest()
				for _, topic := range []string{"low", "medium"} {
					require.LessOrEqual(t, b.longest[topic], time.Second)
				}
			})
		for _, p := range []routing.Priority{routing.Low, routing.Medium} {
			require.EqualValues(t, 15_001, s.Priorities[p].Delivered)
		}
		high := s.Priorities[routing.High]
		require.Equal(t, high.Accepted, high.Expired)
	})
}

// High takes from low first, and from medium when low is down to its guarantee; medium takes from
// low, and never from high.
func TestVirtual_F15_TheLowestPriorityAboveItsGuaranteeMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Reports that were not read yet count, too; what they give back later is not what was
		// guaranteed less.
		const whole, guarantee, batch = 4 << 20, 4 << 20 / 16, 64 << 10
		topics := map[string]int32{"low": 1, "medium": 1, "high": 1}
		s := judged(t, proof.Of(t, "F15", "F5"), setup{topics: topics, change: scarce()},
			func(b *bubble) {
				b.k.link.Cut()
				_ = b.fill("low")
				require.Greater(t, b.bounded().Held[routing.Low], int64(whole*9/10),
					"what others do not use is lent")
				_ = b.fill("medium")
				held := b.bounded().Held
				require.LessOrEqual(t, held[routing.Low], int64(guarantee+batch))
				require.Greater(t, held[routing.Low], int64(guarantee/2))
				require.Greater(t, held[routing.Medium], int64(whole*8/10))
				_ = b.fill("high")
				held = b.bounded().Held
				require.LessOrEqual(t, held[routing.Medium], int64(guarantee+batch))
				require.Greater(t, held[routing.Medium], int64(guarantee/2))
				require.Greater(t, held[routing.Low], int64(guarantee/2))
				require.Greater(t, held[routing.High], int64(whole*8/10))
				b.try("medium", 1000, 1000) // what reports that are read meanwhile give back
				b.try("low", 1000, 1000)
				b.rest()
				preempted := b.books("low").Lost(producer.ReasonPreemptedByHigh)
				for range 100 {
					b.try("medium", 100, 1000)
					b.try("low", 100, 1000)
				}
				require.Greater(t, b.books("medium").Refused, uint64(9000),
					"nobody takes from high")
				require.Greater(t, b.books("low").Refused, uint64(9000))
				require.Zero(t, b.books("high").Shed)
				require.Equal(t, preempted, b.books("low").Lost(producer.ReasonPreemptedByHigh))
				b.proof.Bit("connections refused", b.k.link.Dials())
				b.k.link.Restore()
			})
		low, medium, high := s.Priorities[routing.Low], s.Priorities[routing.Medium], s.Priorities[routing.High]
		require.Positive(t, low.Lost(producer.ReasonPreemptedByMedium))
		require.Positive(t, medium.Lost(producer.ReasonPreemptedByHigh))
		require.Equal(t, medium.Shed, medium.Lost(producer.ReasonPreemptedByHigh))
		require.Equal(t, high.Accepted, high.Delivered)
	})
}

func TestVirtual_F15_DropOldestKeepsWhatIsNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drop := func(c *producer.Config) {
			c.Priorities.Medium.WhenFull = "drop_oldest"
			c.Priorities.Medium.CeilingShare = 0.5
		}
		s := judged(t, proof.Of(t, "F15", "F5"),
			setup{topics: map[string]int32{"medium": 1, "low": 1},
				change: scarce(drop)}, func(b *bubble) {
				newestDropped, oldestKept := uint64(0), uint64(1<<60)
				b.also = func(r producer.Report) {
					switch {
					case r.Reason == producer.ReasonDroppedOldest:
						newestDropped = max(newestDropped, r.Tag)
					case r.Topic == "medium":
						oldestKept = min(oldestKept, r.Tag)
					}
				}
				b.k.link.Cut()
				b.try("low", 10, 1000)
				for range 100 {
					require.Zero(t, b.try("medium", 100, 1000))
					require.LessOrEqual(t, b.bounded().Held[routing.Medium], int64(2<<20),
						"its ceiling")
				}
				require.Zero(t, b.books("low").Shed, "a ceiling is nobody else's to mend")
				b.k.link.Restore()
				b.flush()
				b.proof.Bit("records dropped", int64(newestDropped))
				require.Less(t, newestDropped, oldestKept)
			})
		require.Equal(t, s.Total.Shed, s.Total.Lost(producer.ReasonDroppedOldest))
		require.Greater(t, s.Total.Delivered, uint64(1500), "half of the memory is used")
	})
}

func TestVirtual_F15_ATopicKeepsNoMoreThanHalfWhileOthersWantRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F15", "F5"),
			setup{topics: map[string]int32{"medium.hog": 3, "medium.calm": 3},
				change: scarce()}, func(b *bubble) {
				b.k.link.Cut()
				_ = b.fill("medium.hog")
				require.Greater(t, b.bounded().HeldBytes, int64(4<<20*9/10), "alone it has all")
				for range 200 {
					require.Zero(t, b.try("medium.calm", 5, 1000))
					if err := b.fill("medium.hog"); b.books("medium.hog").Shed > 0 {
						hint, _ := errors.AsType[*producer.SendError](err)
						require.Contains(t, hint.Error(),
							"more than half of what its priority may hold")
					}
					b.bounded()
					time.Sleep(time.Millisecond)
				}
				require.Zero(t, b.books("medium.calm").Shed)
				require.Positive(t, b.books("medium.hog").Lost(producer.ReasonOverShare))
				_ = b.fill("medium.calm")
				held := make(map[string]int64)
				for _, row := range b.bounded().Topics {
					held[row.Topic] = row.Held
				}
				require.InDelta(t, 2<<20, held["medium.hog"], 192<<10, "and half stays its own")
				b.proof.Bit("records of the hog given up", int64(b.books("medium.hog").Shed))
				b.k.link.Restore()
				b.flush()
				require.Zero(t, b.try("medium.hog", 100, 1000), "nobody wants room any more")
			})
		require.Equal(t, s.Total.Shed, s.Total.Lost(producer.ReasonOverShare))
	})
}

func TestVirtual_F15_ATopicsOwnShareBoundsIt(t *testing.T) {
	for _, full := range []string{"refuse", "drop_oldest"} {
		t.Run(full, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				change := scarce(func(c *producer.Config) {
					c.Topics = append([]producer.TopicConfig{{Topic: "medium.small",
						Priority: routing.Medium, MaxShare: 0.25}}, c.Topics...)
					c.Priorities.Medium.WhenFull = full
				})
				s := judged(t, proof.Of(t, "F15", "F5"),
					setup{topics: map[string]int32{"medium.small": 1, "medium.free": 1},
						change: change}, func(b *bubble) {
						b.k.link.Cut()
						refused := b.try("medium.small", 3000, 1000)
						require.LessOrEqual(t, b.p.Stats().Topics[0].Held, int64(1<<20))
						require.Greater(t, b.p.Stats().Topics[0].Held, int64(900<<10))
						require.Zero(t, b.try("medium.free", 2000, 1000),
							"there is room for others")
						require.Zero(t, b.books("medium.free").Shed)
						lost := b.books("medium.small").Lost(producer.ReasonOverShare)
						b.proof.Bit("records over the share", refused+int64(lost))
						require.Equal(t, full == "refuse", refused > 0)
						require.Equal(t, full == "refuse", lost == 0)
						b.k.link.Restore()
					})
				require.Equal(t, s.Total.Shed, s.Total.Lost(producer.ReasonOverShare))
			})
		})
	}
}

// What was given up takes no memory for its records, also while nobody reads the reports.
func TestVirtual_F15_RecordsThatMadeRoomAreFreedBeforeTheirReportsAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F15", "F16"),
			setup{topics: map[string]int32{"low": 1, "high": 1},
				change: scarce()}, func(b *bubble) {
				b.k.link.Cut()
				release := make(chan struct{})
				defer close(release)
				b.also = func(producer.Report) { <-release }
				_ = b.fill("low")
				require.Zero(t, b.try("high", 3000, 1000), "three quarters of the memory")
				s := b.bounded()
				require.Zero(t, s.ReportsDropped)
				b.proof.Bit("reports that nobody had read",
					int64(s.Total.Lost(producer.ReasonPreemptedByHigh)))
				b.k.link.Restore()
			})
		require.Equal(t, s.Priorities[routing.High].Accepted, s.Priorities[routing.High].Delivered)
	})
}

func TestVirtual_F15_WhatIsLostIsLoggedEveryFiveSecondsWithTotals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(map[string]uint64)
		var events []producer.Event
		watch := producer.WithEvents(func(e producer.Event) {
			if e.Kind == producer.EventShedding || e.Kind == producer.EventSheddingOver {
				events = append(events, e)
			}
		})
		s := judged(t, proof.Of(t, "F15"), setup{topics: map[string]int32{"low": 1, "high": 1},
			change: scarce(), options: []producer.Option{watch}}, func(b *bubble) {
			b.k.link.Cut()
			for range 300 {
				b.try("low", 100, 10_000)
				b.try("high", 1, 5000)
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(5 * time.Second)
			lines := b.logs.FilterMessage("records were lost or refused").All()
			b.proof.Bit("lines of what was lost", int64(len(lines)))
			require.InDelta(t, 8, len(lines), 1)
			last := time.Time{}
			for _, line := range lines {
				require.GreaterOrEqual(t, line.Time.Sub(last), 5*time.Second)
				last = line.Time
				for reason, n := range line.ContextMap()["low"].(map[string]any) {
					told[reason] += n.(uint64)
				}
				require.NotContains(t, line.ContextMap(), "high")
			}
			b.rest()
			require.Len(t, events, 1, "once, when it began")
			require.Equal(t, producer.EventShedding, events[0].Kind)
			require.Equal(t, routing.Low, events[0].Priority)
			require.Contains(t, slices.Collect(b.p.Current()), producer.Event{
				At: time.Now(), Kind: producer.EventShedding, Priority: routing.Low,
				Cluster: "events",
			})
			time.Sleep(10 * time.Second)
			b.rest()
			require.Len(t, events, 2)
			require.Equal(t, producer.EventSheddingOver, events[1].Kind)
			require.Equal(t, map[string]uint64{
				"buffer full":       b.books("low").Refused,
				"preempted by high": b.books("low").Shed,
			}, told)
			b.k.link.Restore()
		})
		require.Positive(t, s.Total.Shed)
	})
}
