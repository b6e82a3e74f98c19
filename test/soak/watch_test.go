//go:build soak && unix

package soak

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// watch checks what must hold at every instant, until ctx ends.
func watch(ctx context.Context, v *verdict, sides []*side, log *logReader, wg *sync.WaitGroup) {
	for _, s := range sides {
		wg.Go(func() {
			for pause(ctx, 50*time.Millisecond) {
				v.observe(s)
			}
		})
	}
	wg.Go(func() {
		room := make([]byte, 4<<20)
		for pause(ctx, 3*time.Second) {
			v.lookForSends(room[:runtime.Stack(room, true)])
		}
	})
	wg.Go(func() { v.loop(ctx) })
	wg.Go(func() {
		for pause(ctx, 30*time.Second) {
			progress(sides, log)
		}
	})
}

// observe checks the books and the memory of a side.
func (v *verdict) observe(s *side) {
	stats := s.Stats()
	check := func(what any, b *producer.Books) {
		if !b.Balanced() {
			v.violated("I3: %s: the books of %v do not balance: %+v", s.name, what, *b)
		}
	}
	check("all", &stats.Total)
	for p, b := range stats.Priorities {
		check(p, &b)
	}
	for name, c := range stats.Clusters {
		check(name, &c.Books)
	}
	for i := range stats.Topics {
		check(stats.Topics[i].Topic, &stats.Topics[i].Books)
	}
	if stats.HeldBytes > s.heldMost {
		v.violated("I11: %s: %d bytes are held, of %d", s.name, stats.HeldBytes, stats.MaxBytes)
	}
	v.mu.Lock()
	v.observed++
	v.mu.Unlock()
}

// quiet are the states of a goroutine that waits for nobody but the runtime and those who hold a
// lock.
var quiet = []string{"running", "runnable", "sync.Mutex.Lock", "preempted", "copystack",
	"GC assist marking", "GC assist wait"}

// lookForSends looks for calls of Send that wait, in a dump of all goroutines.
func (v *verdict) lookForSends(dump []byte) {
	in := 0
	for stack := range strings.SplitSeq(string(dump), "\n\n") {
		if !strings.Contains(stack, "producer.(*Producer).Send(") {
			continue
		}
		in++
		state, _, _ := strings.Cut(stack[strings.Index(stack, "[")+1:], "]")
		state, _, _ = strings.Cut(state, ",")
		if !slices.Contains(quiet, strings.TrimSuffix(state, " (scan)")) &&
			!allocates(state, stack) {
			v.violated("I1: a call of Send waits: %s", stack)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dumps++
	v.seenInSend += in
}

// allocates reports whether a goroutine waits in an allocation that starts a collection, until the
// world may be stopped for that: it is stopped for the dump. No function of the runtime is shown on
// top of the one that allocates.
func allocates(state, stack string) bool {
	_, frames, _ := strings.Cut(stack, "\n")
	return state == "semacquire" && strings.HasPrefix(frames, "github.com/forebay-go/forebay/")
}

// loop is what Send is compared with: as often as records are sent, and for about as long, it does
// nothing but read the clock. The longest that takes is the machine's doing.
func (v *verdict) loop(ctx context.Context) {
	const every, long = 20 * time.Millisecond, time.Microsecond
	for pause(ctx, every) {
		for range int(*rate * every.Seconds()) {
			begin := time.Now()
			took := time.Since(begin)
			for took < long {
				took = time.Since(begin)
			}
			if took > v.emptyLoop {
				v.mu.Lock()
				v.emptyLoop = took
				v.mu.Unlock()
			}
		}
	}
}

func progress(sides []*side, log *logReader) {
	read := int64(0)
	for _, o := range log.offsets().Sorted() {
		read += o.At
	}
	text := fmt.Sprintf("%d read", read)
	for _, s := range sides {
		stats := s.Stats()
		b := &stats.Total
		text += fmt.Sprintf("; %s (%s): %d accepted, %d pending in %d KiB, %d delivered, %d "+
			"expired, %d possibly persisted, %d maybe twice, longest Send "+
			"%v", s.name, health(&stats),
			b.Accepted, b.Pending, stats.HeldBytes>>10, b.Delivered, b.Expired, b.PossiblyPersisted, b.MaybeDuplicated, s.ledger.LongestSend())
	}
	say("%s", text)
}

// health says how the cluster is in a producer's eyes.
func health(s *producer.Stats) string {
	c := s.Clusters["kafka"]
	text := c.State.String()
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	for _, t := range s.Topics {
		if t.Trouble != "" {
			text += fmt.Sprintf(", %s: %s", t.Topic, t.Trouble)
		}
	}
	return text
}

// counted lists counts by name.
func counted(m map[string]int) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, fmt.Sprintf("%s %d", name, m[name]))
	}
	return strings.Join(list, ", ")
}
