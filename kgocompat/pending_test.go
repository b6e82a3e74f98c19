package kgocompat

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func newPending() *pending {
	p := new(pending)
	p.now.Store(newGeneration(1))
	return p
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestPending_AGenerationIsOverWhenThoseBeforeItAre(t *testing.T) {
	p := newPending()
	require.True(t, isClosed(p.turn()), "there is nothing")
	a := p.enter(1)
	first := p.turn()
	b := p.enter(2)
	second, third := p.turn(), p.turn()
	c := p.enter(4)
	require.EqualValues(t, 3, p.records.Load())
	require.EqualValues(t, 7, p.bytes.Load())
	p.leave(b, 2)
	require.False(t, isClosed(first) || isClosed(second) || isClosed(third))
	p.leave(a, 1)
	require.True(t, isClosed(first) && isClosed(second) && isClosed(third))
	require.False(t, isClosed(p.turn()))
	p.leave(c, 4)
	require.True(t, isClosed(p.turn()))
	require.Zero(t, p.records.Load())
	require.Zero(t, p.bytes.Load())
}

// Whoever waits for a generation finds that all who entered before have left.
func TestPending_ConcurrentSafe(t *testing.T) {
	p := newPending()
	var entered, left atomic.Int64
	var senders, all sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for range 2000 {
				g := p.enter(1)
				entered.Add(1)
				leave := func() {
					left.Add(1)
					p.leave(g, 1)
				}
				if rand.IntN(2) == 0 {
					all.Go(leave)
				} else {
					leave()
				}
			}
		})
	}
	for range 2 {
		all.Go(func() {
			for range 500 {
				before := entered.Load()
				<-p.turn()
				if left.Load() < before {
					t.Error("some have not left")
				}
			}
		})
	}
	senders.Wait()
	all.Wait()
	<-p.turn()
	require.Zero(t, p.records.Load())
	require.EqualValues(t, 8000, left.Load())
}
