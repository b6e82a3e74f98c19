//go:build synctests

package producer_test

import (
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/ledger"
	"github.com/forebay-go/forebay/test/proof"
)

// resolving is a setup in which the brokers are looked up in r, whose name leads to them. What
// before changes is so before there is a producer.
func resolving(r *resolver, before func()) setup {
	return setup{options: []producer.Option{producer.WithResolver(r.lookup)},
		before: func(b *bubble) {
			r.addresses, r.hosts = []string{"10.0.0.1"}, map[string]faultnet.DialFunc{"10.0.0.1": b.k.network.DialContext}
			before()
			detour(r.dial)(b)
		}}
}

// hole is where dials have no end.
func hole(ctx context.Context, network, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
}

func TestVirtual_F13_NamesThatDoNotResolveAtFirstAreWaitedFor(t *testing.T) {
	for name, fault := range wrongAnswers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := new(resolver)
				s := judged(t, proof.Of(t, "F13", "F1"), resolving(r, func() { fault(r) }),
					func(b *bubble) {
						// an answer that no dial can wait for is there for the next one
						if name == "slow" {
							b.send("events", 3)
							b.goesOn(7 * time.Second)
						} else {
							b.stream(20*time.Second, 3, "events")
							require.Equal(t, producer.Connecting,
								b.p.Stats().Clusters["events"].State)
							require.Contains(t, b.p.Stats().Clusters["events"].Reason,
								"lookup localhost: ")
							r.heal()
							b.goesOn(soon + time.Second) // one attempt may be under way
						}
						r.set(func() { b.proof.Bit("look-ups that failed or were slow", r.wrong) })
					})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

func TestVirtual_F13_AResolverThatFailsForAMinuteCostsNothingWhileBrokersRestart(t *testing.T) {
	for name, fault := range wrongAnswers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := new(resolver)
				s := judged(t, proof.Of(t, "F13"), resolving(r, func() {}), func(b *bubble) {
					b.stream(time.Second, 3, "events")
					r.set(func() { fault(r) })
					b.stream(35*time.Second, 3, "events")
					require.Equal(t, 1, b.p.Stats().Names.Known)
					require.Equal(t, producer.Up, b.p.Stats().Clusters["events"].State)
					b.rest()
					require.LessOrEqual(t, b.longest["events"], 50*time.Millisecond)
					for range 3 {
						b.k.link.Cut() // the brokers restart
						b.stream(5*time.Second, 3, "events")
						b.k.link.Restore()
						b.goesOn(soon)
						b.stream(3*time.Second, 3, "events")
					}
					r.set(func() { b.proof.Bit("look-ups that failed or were slow", r.wrong) })
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
				require.Positive(t, s.Names.Stale)
				require.LessOrEqual(t, s.Names.Lookups, uint64(70), "no more than one a second")
			})
		})
	}
}

// The name is followed by the dial after the first one that has failed: at once where the old
// address refuses, after the time of a dial where nobody answers.
func TestVirtual_F13_EveryAddressChangesAndTheNameIsFollowed(t *testing.T) {
	for name, gone := range map[string]struct {
		dial  faultnet.DialFunc
		takes time.Duration
	}{"the old one refuses": {nil, 0}, "the old one is a black hole": {hole, time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := new(resolver)
				s := judged(t, proof.Of(t, "F13"), resolving(r, func() {}), func(b *bubble) {
					for i := range 6 {
						b.stream(5*time.Second, 3, "events")
						old, moved := r.addresses[0], "10.0.0."+string(rune('2'+i))
						r.set(func() {
							r.hosts = map[string]faultnet.DialFunc{moved: r.hosts[old],
								old: gone.dial}
						})
						b.k.link.Reset()
						b.send("events", 3)
						if i%2 == 0 {
							b.stream(5*time.Second, 3, "events") // the name is still the old one
						}
						r.set(func() { r.addresses = []string{moved} })
						b.goesOn(soon + gone.takes)
						b.proof.Bit("changes of every address", 1)
					}
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
			})
		})
	}
}

// Connections that work are kept, whatever the name says by now, and nothing is dialled. What it
// says is known all the same, when it can no longer be asked.
func TestVirtual_F13_WhatANameSaysIsKnownWithoutADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(resolver)
		made := resolving(r, func() {})
		made.brokers = 1 // of several, each minute another is asked for metadata, by a dial
		s := judged(t, proof.Of(t, "F13"), made, func(b *bubble) {
			b.stream(5*time.Second, 3, "events")
			dials := b.k.link.Dials()
			// Names in use are looked up again for longer than idle ones. In less than an hour the
			// broker is not asked again how long it remembers producers, which takes a dial too.
			for range 60 {
				b.send("events", 3)
				time.Sleep(10 * time.Second)
			}
			r.set(func() {
				r.addresses, r.hosts["10.0.0.2"] = []string{"10.0.0.2"}, r.hosts["10.0.0.1"]
			})
			b.stream(31*time.Second, 3, "events")
			require.Equal(t, dials, b.k.link.Dials())
			r.set(func() { r.slow, r.hosts["10.0.0.1"] = time.Hour, nil })
			b.k.link.Reset()
			b.send("events", 3)
			b.goesOn(soon)
			b.proof.Bit("changes of every address", 1)
			b.stream(time.Minute, 3, "events")
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// Of the addresses of the name one refuses, one is a black hole, and one lets connections be opened
// and says nothing.
func TestVirtual_F13_AllAddressesOfANameAreTried(t *testing.T) {
	for range 5 { // they are tried in any order
		synctest.Test(t, func(t *testing.T) {
			r := new(resolver)
			s := judged(t, proof.Of(t, "F13"), resolving(r, func() {
				r.addresses = append(r.addresses, "10.0.0.2", "10.0.0.3", "10.0.0.4")
				r.hosts["10.0.0.3"] = hole
				r.hosts["10.0.0.4"] = served(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
			}), func(b *bubble) {
				b.send("events", 3)
				b.goesOn(10 * time.Second) // a connection that says nothing is given up after two
				b.rest()
				b.proof.Figure("until the first delivery, one of four addresses works", "%v",
					b.longest["events"])
				b.stream(10*time.Second, 3, "events")
				b.k.link.Reset()
				b.send("events", 3)
				b.goesOn(soon) // with the address that has worked
				b.proof.Bit("addresses that do not work", 3)
			})
			require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		})
	}
}

// The name leads to another cluster from now on that tells the ID of the first, as a copy of it
// would, with the same topics under other IDs. Everything that the first one did not acknowledge
// goes to the second; what it had and did not acknowledge is in both, and counted.
func TestVirtual_F13_ACopyOfTheClusterUnderItsNameIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F13")
		first, second := newEmbedded(t, 2, map[string]int32{"events": 3}), newEmbedded(t, 2,
			map[string]int32{"events": 5})
		defer first.Close()
		defer second.Close()
		r := &resolver{addresses: []string{"10.0.0.1"},
			hosts: map[string]faultnet.DialFunc{"10.0.0.1": first.network.DialContext,
				"10.0.0.2": second.network.DialContext}}
		link, l := faultnet.New(r.dial), ledger.New()
		p, err := producer.New(first.config(), producer.WithDialer(link.Dial),
			producer.WithResolver(r.lookup), producer.WithDelivery(l.Report))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		b := &bubble{t: t, p: p, ledger: l, proof: c}
		b.stream(10*time.Second, 5, "events")
		link.CutAfterWrites(3) // so that something is unanswered
		b.stream(5*time.Second, 5, "events")
		link.CutAfterWrites(0)
		r.set(func() { r.addresses = []string{"10.0.0.2"} })
		b.stream(31*time.Second, 5, "events") // connections that work are kept
		link.Reset()
		b.stream(10*time.Second, 5, "events")
		b.flush()
		closeWithin(t, p, time.Minute)
		inFirst, inSecond := first.read(t, "events"), second.read(t, "events")
		c.Bit("connections cut right after a write", link.Cuts())
		c.Bit("records in the second cluster", int64(len(inSecond)))
		require.NotEmpty(t, inFirst)
		l.Read(slices.Concat(inFirst, inSecond)...)
		for _, log := range [][]*kgo.Record{inFirst, inSecond} {
			for _, part := range perPartition(log) {
				l.Ordered(part)
			}
		}
		stats := p.Stats()
		require.Empty(t, l.Check(stats.Total))
		l.Prove(c)
		require.Equal(t, stats.Total.Accepted, stats.Total.Delivered)
		c.Figure("counted as maybe duplicated", "%d", stats.Total.MaybeDuplicated)
	})
}
