//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

func TestVirtual_EventsComeInOrderAndCurrentTellsThePresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		f := newField(t, two, nil)
		defer f.end()
		f.begin()
		current := func() (told []string) {
			for e := range f.p.Current() {
				told = append(told, fmt.Sprint(e.Kind, " ", e.Priority, " ", e.Cluster, " ",
					e.State, " ", e.From))
				require.False(t, e.At.IsZero())
			}
			return told
		}
		synctest.Wait()
		require.Equal(t, []string{
			"cluster unset main up ", "cluster unset spare up ",
			"returned low main none ", "returned medium main none ", "returned high main none ",
		}, current())
		f.stream(time.Second)
		f.k["main"].link.Cut()
		f.stream(10 * time.Second)
		require.Equal(t, []string{
			"cluster unset main down ", "cluster unset spare up ",
			"returned low main none ", "fell back medium spare none main",
			"returned high main none ",
		}, current())
		for range f.p.Current() {
			break // who has seen enough
		}
		f.k["main"].link.Restore()
		f.stream(70 * time.Second)
		f.flush()
		closeWithin(t, f.p, time.Minute)
		f.judge()
		c.Bit("clusters cut off", 1)
		f.ledger.Prove(c)
		var told []string
		for i, e := range f.events {
			require.False(t, e.At.IsZero())
			if i > 0 {
				require.False(t, e.At.Before(f.events[i-1].At))
			}
			told = append(told, fmt.Sprint(e.Kind, " ", e.Priority, " ", e.Cluster, " ", e.State,
				" ", e.From))
			if e.State == producer.Down || e.Kind == producer.EventFellBack {
				require.Contains(t, e.Reason, "refused")
			}
		}
		require.ElementsMatch(t, []string{"cluster unset main up ", "cluster unset spare up "},
			told[:2])
		require.Equal(t, []string{
			"cluster unset main down ", "fell back medium spare none main",
			"cluster unset main up ", "returned medium main none spare",
		}, told[2:6])
		require.ElementsMatch(t, []string{"cluster unset main closed ",
			"cluster unset spare closed "}, told[6:])
		require.Equal(t, routing.Unset, f.events[0].Priority)
	})
}

func TestVirtual_F16_ACallbackForEventsThatHangsOrPanicsStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F16")
		f := newField(t, two, nil)
		defer f.end()
		release := make(chan struct{})
		var calls []producer.Event
		panics := 0
		f.begin(producer.WithEvents(func(e producer.Event) {
			calls = append(calls, e)
			if len(calls) == 1 {
				<-release
			}
			if len(calls)%2 == 0 {
				panics++
				panic("a callback's own mistake")
			}
		}))
		f.stream(time.Second)
		f.k["main"].link.Cut()
		f.stream(10 * time.Second)
		require.Positive(t, f.p.Stats().Clusters["spare"].Delivered, "while the callback hangs")
		for i := range 1000 {
			f.reconfigure(func(cfg *producer.Config) { cfg.Batching.Linger = time.Duration(1+i%2) * time.Millisecond })
		}
		f.k["main"].link.Restore()
		f.stream(70 * time.Second)
		require.Len(t, calls, 1)
		close(release)
		f.flush()
		require.LessOrEqual(t, len(calls), 2+256, "the newest are kept")
		require.GreaterOrEqual(t, len(calls), 256)
		require.Equal(t, producer.EventReturned, calls[len(calls)-1].Kind)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := f.p.Close(ctx)
		require.NoError(t, err)
		s := f.judge()
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.NotEmpty(t, f.logs.FilterMessageSnippet("the callback for events panicked").All())
		c.Bit("panics of the callback", int64(panics))
		c.Held("I17", uint64(panics))
		f.ledger.Prove(c)
	})
}

func TestVirtual_F16_CloseLeavesACallbackForEventsBehindThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F16", "F17")
		f := newField(t, two, nil)
		defer f.end()
		release := make(chan struct{})
		f.begin(producer.WithEvents(func(producer.Event) { <-release }))
		f.stream(time.Second)
		begin := time.Now()
		closeWithin(t, f.p, 3*time.Second)
		require.LessOrEqual(t, time.Since(begin), 3*time.Second)
		c.Bit("callbacks that hang", 1)
		c.Held("I14", 1)
		close(release)
		f.judge()
		f.ledger.Prove(c)
	})
}
