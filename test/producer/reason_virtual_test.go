//go:build synctests

package producer_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

// First nobody is there, and when somebody is, the password is wrong: who mends the one has to
// learn of the other.
func TestVirtual_F12_AnotherKindOfReasonIsToldWhileAClusterIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proven, d := proof.Of(t, "F12", "F5"), new(door)
		var events []producer.Event
		made := d.setup(producer.SASLConfig{Mechanism: "plain", User: "service", Password: "right"},
			producer.WithEvents(func(e producer.Event) { events = append(events, e) }))
		made.brokers = 1 // of two, one may be missed before the other
		s := judged(t, proven, made, func(b *bubble) {
			b.stream(time.Second, 3, "events")
			b.flush()
			b.logs.TakeAll()
			synctest.Wait()
			events = nil
			b.k.link.Cut()
			b.send("events", 3)
			time.Sleep(time.Minute)
			d.barred.Store(true)
			b.k.link.Restore()
			time.Sleep(time.Hour)
			lines := b.told("cluster still not up, for another reason")
			require.Len(t, lines, 1)
			require.Equal(t, "down", lines[0]["state"])
			require.Contains(t, lines[0]["reason"], "SASL authentication failed: who are you?")
			require.Equal(t, 1, b.logs.FilterMessage("cluster down").Len())
			var reasons []string
			for _, e := range events {
				require.Equal(t, []any{producer.EventCluster, producer.Down},
					[]any{e.Kind, e.State})
				reasons = append(reasons, e.Reason)
			}
			require.Len(t, reasons, 2)
			require.Contains(t, reasons[0], "refused")
			require.Contains(t, reasons[1], "who are you?")
			require.LessOrEqual(t, b.logs.Len(), 3)
			d.barred.Store(false)
			b.goesOn(probeMax + soon)
		})
		proven.Bit("times turned away", d.refused.Load())
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// After a fallback some records still wait for the cluster that was left: it may have them.
func TestVirtual_F14_WhatStillWaitsForTheClusterThatWasLeftIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, two, nil, func(f *field) {
			f.stream(time.Second)
			f.k["main"].link.Hole() // what is written is not answered
			f.stream(20 * time.Second)
			require.Equal(t, "spare", f.current())
			var unanswered []producer.Trouble
			for _, x := range f.p.Stats().Troubles {
				require.Equal(t, producer.CauseUnanswered, x.Cause)
				if x.Priority == routing.Medium {
					unanswered = append(unanswered, x)
				}
			}
			require.Len(t, unanswered, 1)
			require.Equal(t, "main", unanswered[0].Cluster)
			require.Positive(t, unanswered[0].Records)
			require.Contains(t, unanswered[0].Reason,
				"they were written there and not answered, and it is down: ")
			require.Contains(t, unanswered[0].Remedy, "move_unresolved_after, 10s")
			w := httptest.NewRecorder()
			health.New(f.p).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
			require.Contains(t, w.Body.String(), "records of medium priority wait for cluster main")
			require.Contains(t, w.Body.String(), unanswered[0].Reason)
			require.Empty(t, f.logs.FilterMessage("records wait").All(),
				"the lines of the cluster and of the fallback say it")
			c.Bit("records that were not answered", int64(unanswered[0].Records))
			f.k["main"].link.Restore()
			f.stream(70 * time.Second)
			f.flush()
			time.Sleep(2 * time.Second)
			require.Empty(t, f.p.Stats().Troubles)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// A cluster that was never reached has no state that could change: it is told once why.
func TestVirtual_F1_AClusterThatIsNotReachedIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []producer.Event
		made := setup{brokers: 1, before: func(b *bubble) { b.k.link.Cut() },
			options: []producer.Option{
				producer.WithEvents(func(e producer.Event) { events = append(events, e) }),
			}}
		judged(t, proof.Of(t, "F1"), made, func(b *bubble) {
			b.send("events", 3)
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Len(t, events, 1)
			require.Equal(t, []any{producer.EventCluster, producer.Connecting},
				[]any{events[0].Kind, events[0].State})
			require.Contains(t, events[0].Reason, "refused")
			b.proof.Bit("records that waited", int64(b.p.Stats().Total.Pending))
			b.k.link.Restore()
		})
	})
}
