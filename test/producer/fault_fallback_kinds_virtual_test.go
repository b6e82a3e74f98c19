//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

var two, three = []string{"main", "spare"}, []string{"main", "spare", "third"}

func TestVirtual_F14_ThePrimaryIsAwayAtTheStart(t *testing.T) {
	for name, away := range map[string]func(*field){
		"refused":    func(f *field) { f.k["main"].link.Cut() },
		"black hole": func(f *field) { f.k["main"].link.Hole() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F14", "F1")
				f := newField(t, two, nil)
				defer f.end()
				away(f)
				begin := time.Now()
				f.begin()
				f.stream(20 * time.Second)
				after := f.delivered("spare").Sub(begin)
				require.GreaterOrEqual(t, after, 5*time.Second)
				require.LessOrEqual(t, after, 6*time.Second)
				c.Figure("acknowledged by the fallback after", "%v", after)
				c.Bit("connection attempts in vain", f.k["main"].link.Dials())
				f.flush()
				closeWithin(t, f.p, time.Minute)
				s := f.judge()
				require.Equal(t, s.Total.Accepted, s.Clusters["spare"].Delivered)
				c.Held("I13", 1)
				f.ledger.Prove(c)
			})
		})
	}
}

func TestVirtual_F14_FlappingSwitchesAtMostOnceAMinute(t *testing.T) {
	for _, tt := range []struct {
		every time.Duration
		least int // switches
	}{{2 * time.Second, 0}, {10 * time.Second, 1}, {40 * time.Second, 4}} {
		t.Run(fmt.Sprint(tt.every), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F14")
				s := onField(t, c, two, nil, func(f *field) {
					begin := time.Now()
					for time.Since(begin) < 10*time.Minute {
						f.k["main"].link.Cut()
						f.stream(tt.every)
						f.k["main"].link.Restore()
						f.stream(tt.every)
					}
					switches := f.switches()
					require.GreaterOrEqual(t, len(switches), tt.least)
					for i := 1; i < len(switches); i++ {
						require.GreaterOrEqual(t, switches[i].At.Sub(switches[i-1].At), time.Minute)
					}
					c.Bit("times the primary went", int64(10*time.Minute/(2*tt.every)))
					c.Figure("switches in ten minutes", "%d", len(switches))
					c.Held("I13", 1)
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				require.Zero(t, s.OrderAtRisk)
			})
		})
	}
}

func TestVirtual_F14_AFallbackThatDiesIsLeftAtOnceForWhoeverIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, three, nil, func(f *field) {
			f.stream(time.Second)
			f.k["main"].link.Cut()
			f.stream(10 * time.Second)
			require.Equal(t, "spare", f.current())
			died := time.Now()
			f.k["spare"].link.Cut()
			f.stream(5 * time.Second)
			after := f.delivered("third").Sub(died)
			require.Positive(t, after)
			require.LessOrEqual(t, after, 500*time.Millisecond)
			c.Figure("acknowledged by the next fallback after", "%v", after)
			f.k["third"].link.Cut()
			f.k["spare"].link.Restore()
			f.stream(5 * time.Second)
			require.Equal(t, "spare", f.current(), "also back")
			f.k["spare"].link.Cut()
			back := time.Now()
			f.k["main"].link.Restore()
			f.stream(5 * time.Second)
			require.Equal(t, "main", f.current())
			require.Len(t, f.switches(), 4)
			require.LessOrEqual(t, f.switches()[3].At.Sub(back), probeMax+soon)
			f.k["spare"].link.Restore()
			f.k["third"].link.Restore()
			c.Bit("clusters cut off", 4)
			c.Held("I13", 4)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func TestVirtual_F14_BothAwayAndBackInEitherOrder(t *testing.T) {
	for _, first := range two {
		t.Run(first, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F14")
				s := onField(t, c, two, nil, func(f *field) {
					f.stream(time.Second)
					for _, name := range two {
						f.k[name].link.Cut()
					}
					f.stream(time.Minute)
					require.Zero(t, f.p.Stats().Clusters["spare"].Delivered)
					require.Empty(t, f.switches(), "there was nowhere to go")
					f.mark()
					back := time.Now()
					f.k[first].link.Restore()
					f.stream(10 * time.Second)
					require.LessOrEqual(t, f.delivered(first).Sub(back), probeMax+soon)
					require.Equal(t, first, f.current())
					for _, name := range two {
						f.k[name].link.Restore()
					}
					f.stream(2 * time.Minute)
					require.Equal(t, "main", f.current())
					c.Bit("clusters cut off", 2)
					c.Held("I10", 1)
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

func TestVirtual_F14_ASlowFallbackTakesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F7")
		s := onField(t, c, two, nil, func(f *field) {
			f.k["spare"].link.Delay(500 * time.Millisecond)
			f.stream(10 * time.Second)
			f.k["main"].link.Cut()
			f.stream(time.Minute)
			c.Bit("milliseconds of latency", 500)
			c.Bit("switches", int64(len(f.switches())))
			require.Less(t, f.p.Stats().Total.Pending, uint64(200), "it keeps up")
			f.k["main"].link.Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Positive(t, s.Clusters["spare"].Delivered)
	})
}

func TestVirtual_F14_AFallbackThatRefusesLosesNothing(t *testing.T) {
	for name, trouble := range map[string]string{"no topic": "UNKNOWN_TOPIC",
		"no right": "TOPIC_AUTHORIZATION_FAILED", "full": "STORAGE"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F14", "F10")
				s := onField(t, c, two, nil, func(f *field) {
					var fault *kfake.FaultHandle
					switch name {
					case "no topic":
						require.NoError(t, f.k["spare"].DeleteTopic("events"))
					case "no right":
						fault = f.k["spare"].Fault(kfake.Fault{Topic: "events",
							Err: kerr.TopicAuthorizationFailed, Count: -1})
					default:
						fault = f.k["spare"].Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
							Err: kerr.NotEnoughReplicas, Count: -1})
					}
					f.stream(time.Second)
					f.k["main"].link.Cut()
					f.stream(20 * time.Second)
					require.Equal(t, "spare", f.current())
					s := f.p.Stats()
					require.Positive(t, s.Total.Pending)
					require.Zero(t, s.Clusters["spare"].Delivered)
					if name != "full" {
						require.Contains(t, s.Topics[0].Trouble, trouble)
					}
					if fault != nil {
						c.Bit("requests refused", int64(fault.Hits()))
					} else {
						c.Bit("topics that are not there", 1)
					}
					f.k["main"].link.Restore()
					f.stream(100 * time.Second)
					if fault != nil {
						fault.Remove()
					}
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				// kfake answers that with an offset, as if it were in the log: it stays
				if name != "full" {
					require.Equal(t, s.Total.Accepted, s.Clusters["main"].Delivered)
				}
			})
		})
	}
}

func TestVirtual_F14_AFallbackTakesSomeTopicsByOtherNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, two, func(cfg *producer.Config) {
			cfg.Priorities.Medium.Fallbacks[0].Topics = []string{"events", "play.*"}
			cfg.Priorities.Medium.Fallbacks[0].Prefix = "p."
			cfg.Priorities.Medium.Fallbacks[0].Rename = map[string]string{"play.a": "q"}
		}, func(f *field) {
			for _, topic := range []string{"play.a", "play.b", "stays"} {
				f.make("main", topic, topic)
			}
			f.make("spare", "p.play.b", "play.b")
			f.make("spare", "q", "play.a")
			send := func(n int) {
				for range n {
					for _, topic := range []string{"events", "play.a", "play.b", "stays"} {
						require.NoError(t, f.ledger.Send(f.p,
							producer.Record{Topic: topic, Key: []byte("k")}))
					}
					time.Sleep(100 * time.Millisecond)
				}
			}
			send(10)
			f.k["main"].link.Cut()
			c.Bit("clusters cut off", 1)
			send(200)
			for _, row := range f.p.Stats().Topics {
				want := map[bool]string{true: "main", false: "spare"}[row.Topic == "stays"]
				require.Equal(t, want, row.Cluster, row.Topic)
				if row.Topic == "stays" {
					require.GreaterOrEqual(t, row.Pending, uint64(200))
				} else {
					require.Less(t, row.Pending, uint64(10), row.Topic)
				}
			}
			for _, there := range []string{"p.events", "q", "p.play.b"} {
				require.NotEmpty(t, f.k["spare"].read(t, there), there)
			}
			require.Empty(t, f.k["spare"].read(t, "events"))
			f.k["main"].link.Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func TestVirtual_F14_APriorityWithoutAFallbackIsNotTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, two, func(cfg *producer.Config) { cfg.Priorities.Low.Cluster = "spare" },
			func(f *field) {
				both := func(n int) {
					for range n {
						require.NoError(t, f.ledger.Send(f.p,
							producer.Record{Topic: "events", Priority: routing.High}))
						require.NoError(t, f.ledger.Send(f.p,
							producer.Record{Topic: "events", Priority: routing.Low}))
						require.NoError(t, f.ledger.Send(f.p,
							producer.Record{Topic: "events", Priority: routing.Medium}))
						time.Sleep(100 * time.Millisecond)
					}
				}
				both(10)
				f.k["main"].link.Cut()
				both(300)
				s := f.p.Stats()
				require.GreaterOrEqual(t, s.Priorities[routing.High].Pending, uint64(300),
					"it waits for its cluster")
				require.Less(t, s.Priorities[routing.Low].Pending, uint64(3),
					"it has nothing to do with it")
				require.Less(t, s.Priorities[routing.Medium].Pending, uint64(6))
				c.Bit("clusters cut off", 1)
				f.k["main"].link.Restore()
			})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// What waits goes to the fallback in the batches that it waited in: as many as there were, and each
// was written once.
func TestVirtual_F14_UnkeyedBatchesMoveAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		produced := make(map[string]bool) // batches, by their checksums and numbers
		s := onField(t, c, two, func(cfg *producer.Config) {
			cfg.Batching.Compression = "lz4"
			cfg.Batching.MaxBytes = 4 << 10
			cfg.Priorities.Medium.MoveUnresolvedAfter = producer.Never
		}, func(f *field) {
			f.k["spare"].Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1,
				When: func(r kmsg.Request) bool {
					for _, topic := range r.(*kmsg.ProduceRequest).Topics {
						for _, p := range topic.Partitions {
							require.NotZero(t, p.Records[22]&7, "compressed")
							produced[string(p.Records[17:21])+string(p.Records[43:57])] = true
						}
					}
					return true
				}})
			f.stream(time.Second)
			f.k["main"].link.Cut()
			time.Sleep(time.Second)
			for range 100 {
				for range 20 {
					require.NoError(t, f.ledger.Send(f.p,
						producer.Record{Topic: "events", Value: make([]byte, 400)}))
				}
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(time.Second)
			before := f.p.Stats()
			require.Less(t, before.HeldBytes, int64(before.Total.Pending)*200,
				"it waits compressed")
			time.Sleep(10 * time.Second)
			require.GreaterOrEqual(t, f.p.Stats().Clusters["spare"].Delivered, uint64(1950))
			require.InDelta(t, 2000*420/(4<<10), len(produced), 30, "full batches, each once")
			c.Bit("batches that moved", int64(len(produced)))
			f.k["main"].link.Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

func TestVirtual_F14_WhatWasWrittenAndNotAnsweredMovesWhereItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F8")
		s := onField(t, c, two,
			func(cfg *producer.Config) { cfg.Priorities.Medium.MoveUnresolvedAfter = 2 * time.Second }, func(f *field) {
				f.stream(time.Second)
				f.unanswered(c, "main")
				f.stream(6 * time.Second)
				f.stream(10 * time.Second)
				s := f.p.Stats()
				require.Positive(t, s.Total.MaybeDuplicated)
				require.LessOrEqual(t, s.Total.MaybeDuplicated, uint64(4))
				f.k["main"].link.Restore()
			})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Positive(t, s.Total.MaybeDuplicated)
	})
}

// A keyed batch that was written to the primary and not answered is delivered there when it is
// back, before newer ones.
func TestVirtual_F14_APinnedKeyedBatchGoesBeforeNewerOnesOfItsCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F8")
		s := onField(t, c, two, nil, func(f *field) {
			f.stream(time.Second)
			f.unanswered(c, "main")
			f.stream(70 * time.Second)
			require.Equal(t, "spare", f.current())
			f.mark()
			back := time.Now()
			f.k["main"].link.Restore()
			f.stream(10 * time.Second)
			require.Equal(t, "spare", f.current())
			require.LessOrEqual(t, f.delivered("main").Sub(back), probeMax+soon,
				"at once, not when the priority returns")
			f.stream(60 * time.Second)
			require.Equal(t, "main", f.current())
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.OrderAtRisk)
		c.Held("I8", s.Total.Delivered/2)
	})
}

func TestVirtual_F14_WhatIsUnansweredByAClusterThatNeverComesBackIsPossiblyPersisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F8")
		s := onField(t, c, two, func(cfg *producer.Config) {
			cfg.Priorities.Medium.DeliveryTimeout = time.Minute
			cfg.Priorities.Medium.MoveUnresolvedAfter = producer.Never
		}, func(f *field) {
			f.stream(time.Second)
			f.unanswered(c, "main")
			f.stream(2 * time.Minute)
			require.Positive(t, f.p.Stats().Total.PossiblyPersisted)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered+s.Total.PossiblyPersisted)
		require.LessOrEqual(t, s.Total.PossiblyPersisted, uint64(4))
	})
}

func TestVirtual_F14_CloseInEveryStateBalancesTheBooks(t *testing.T) {
	for name, state := range map[string]func(f *field){
		"before a fallback": func(f *field) { f.k["main"].link.Cut(); f.stream(3 * time.Second) },
		"fallen back":       func(f *field) { f.k["main"].link.Cut(); f.stream(10 * time.Second) },
		"black hole":        func(f *field) { f.k["main"].link.Hole(); f.stream(10 * time.Second) },
		"both away": func(f *field) {
			f.k["main"].link.Cut()
			f.stream(10 * time.Second)
			f.k["spare"].link.Cut()
			f.stream(3 * time.Second)
		},
		"unanswered, fallen back": func(f *field) {
			f.unanswered(proof.Of(f.t.(*testing.T), "F14"), "main")
			f.stream(10 * time.Second)
		},
		"unanswered by both": func(f *field) {
			c := proof.Of(f.t.(*testing.T), "F14")
			f.unanswered(c, "main")
			f.stream(10 * time.Second)
			f.unanswered(c, "spare")
			f.stream(time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F14", "F17")
				f := newField(t, two, nil)
				defer f.end()
				f.begin()
				f.stream(time.Second)
				state(f)
				pending := f.p.Stats().Total.Pending
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				begin := time.Now()
				summary, err := f.p.Close(ctx)
				require.LessOrEqual(t, time.Since(begin), 2*time.Second)
				require.Equal(t, summary.Left > 0, err != nil)
				s := f.judge()
				require.Equal(t,
					f.lost[producer.ReasonClosed]+f.lost[producer.ReasonUnansweredClose], summary.Left)
				require.Equal(t, s.Total.Accepted, s.Total.Delivered+summary.Left)
				require.LessOrEqual(t, summary.Left, pending)
				c.Bit("clusters that are away",
					int64(len(slices.DeleteFunc(slices.Clone(two),
						func(n string) bool { return s.Clusters[n].State == producer.Up }))))
				c.Held("I14", 1)
				f.ledger.Prove(c)
			})
		})
	}
}

func TestVirtual_F14_AFlushAcrossASwitchWaitsForAllOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, two, nil, func(f *field) {
			f.stream(time.Second)
			f.k["main"].link.Cut()
			for range 20 {
				require.NoError(t, f.ledger.Send(f.p, producer.Record{Topic: "events"}))
				time.Sleep(100 * time.Millisecond)
			}
			pending := f.p.Stats().Total.Pending
			require.Positive(t, pending)
			begin := time.Now()
			f.flush()
			require.LessOrEqual(t, time.Since(begin), 14*time.Second,
				"and the first was written, or may have been, and moves after ten seconds")
			require.Zero(t, f.p.Stats().Total.Pending)
			c.Bit("records that a switch took along", int64(pending))
			f.k["main"].link.Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// current returns where the medium priority goes.
func (f *field) current() (cluster string) {
	for e := range f.p.Current() {
		if e.Priority == routing.Medium {
			cluster = e.Cluster
		}
	}
	return cluster
}

// A batch that waits for a connection which is being opened in vain was not written: it goes with
// the rest, and is no duplicate.
func TestVirtual_F25_WhatIsOnItsWayAndNotWrittenMovesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F25")
		s := onField(t, c, two, func(cfg *producer.Config) {
			cfg.Priorities.Medium.FallbackAfter = time.Millisecond
			cfg.Priorities.Medium.MoveUnresolvedAfter = producer.Never
		}, func(f *field) {
			f.stream(time.Second)
			time.Sleep(time.Second)
			link := f.k["main"].link
			link.Hole()
			for before := link.Dials(); link.Dials() == before; { // the cluster is asked how it is
				time.Sleep(time.Millisecond)
			}
			time.Sleep(500 * time.Millisecond)
			sent := time.Now()
			f.stream(100 * time.Millisecond) // it dials too, for half a second longer
			f.stream(5 * time.Second)
			require.LessOrEqual(t, f.delivered("spare").Sub(sent), time.Second)
			require.Less(t, f.p.Stats().Total.Pending, uint64(5), "nothing stays behind")
			c.Bit("dials that hang", link.Dials())
			link.Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
		require.Zero(t, s.OrderAtRisk)
	})
}
