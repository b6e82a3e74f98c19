//go:build synctests

package producer_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/test/proof"
)

// These tests take real time, for a bubble has no processor to be short of. None is parallel: they
// change the whole process.

// starve has n goroutines take all the processor time that they get, until the function that it
// returns is called. That returns how often they went round.
func starve(n int) (stop func() int64) {
	var rounds atomic.Int64
	var wg sync.WaitGroup
	quit := make(chan struct{})
	for range n {
		wg.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
					rounds.Add(1)
				}
			}
		})
	}
	return func() int64 {
		close(quit)
		wg.Wait()
		return rounds.Load()
	}
}

func TestVirtual_F19_OneProcessorThatIsBusyLosesAndDuplicatesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, busy := range map[string]int{"one processor": 0, "one busy processor": 8} {
		t.Run(name, func(t *testing.T) {
			s := judged(t, proof.Of(t, "F19", "F5"), setup{real: true}, func(b *bubble) {
				stop := starve(busy)
				for range 3 {
					b.stream(300*time.Millisecond, 20, "events")
					b.k.link.Cut()
					b.stream(200*time.Millisecond, 20, "events")
					b.k.link.Restore()
				}
				b.flush()
				rounds := stop()
				if busy > 0 {
					b.proof.Bit("rounds of eight busy goroutines", rounds)
				}
				b.proof.Bit("connections cut on one processor", b.k.link.Cuts())
				require.Equal(t, 1, runtime.GOMAXPROCS(0))
			})
			require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			require.Zero(t, s.Total.MaybeDuplicated)
		})
	}
}
