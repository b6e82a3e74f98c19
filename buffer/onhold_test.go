package buffer

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/delivery"
)

func onHoldAdd(t *testing.T, topic *Topic, h *Hold, key, value string) {
	t.Helper()
	r := Record{Value: []byte(value)}
	kind := Unkeyed
	if key != "" {
		r.Key, kind = []byte(key), Keyed
	}
	require.NoError(t, topic.AppendOnHold(h, &r, kind, -1, 0, false))
}

// take returns the values of all that waits and is not on hold, in the order in which a dispatcher
// of one partition gets it.
func take(t *testing.T, topic *Topic) (found []string) {
	t.Helper()
	for _, b := range topic.Recount(1) {
		require.NoError(t, topic.DealOut(b, 1, roomy))
	}
	for b, _ := topic.TakeUndealt(); b != nil; b, _ = topic.TakeUndealt() {
		require.NoError(t, topic.DealOut(b, 1, roomy))
	}
	for _, kind := range []Kind{Unkeyed, Keyed} {
		for b := topic.Take(kind, int32(kind)-1, true); b != nil; {
			found = append(found, values(t, b)...)
			decode(t, b)
			topic.Resolve(b, delivery.Delivered, delivery.None, false)
			b = topic.Take(kind, int32(kind)-1, true)
		}
	}
	return found
}

func TestHold_TablesAreCounted(t *testing.T) {
	// a map of one entry has a group of eight
	group := 8 + 8*unsafe.Sizeof(place{}) + 8*unsafe.Sizeof(&source{}) + 48
	require.LessOrEqual(t, unsafe.Sizeof(onHold{})+4*unsafe.Sizeof(&source{}), uintptr(onHoldBytes))
	require.LessOrEqual(t, unsafe.Sizeof(source{}), uintptr(placeBytes))
	require.LessOrEqual(t, group+unsafe.Sizeof(onHold{})+unsafe.Sizeof(source{}),
		uintptr(onHoldBytes+placeBytes))
}

func TestHold_PatchesValuesThatAreLongEnough(t *testing.T) {
	for _, x := range []struct {
		at                 int
		patch, value, want string
	}{
		{1, "1234", "0????567", "01234567"},
		{0, "1234", "????", "1234"},
		{4, "", "abcd", "abcd"},
		{1, "1234", "????", "????"}, // too short
		{5, "", "abcd", "abcd"},
		{math.MaxInt, "1234", "????", "????"},
	} {
		topic := newTestTopic(t, newTestLane(t, 1<<20))
		h, id := NewHold("it"), []byte(x.patch)
		onHoldAdd(t, topic, h, "", x.value)
		require.NoError(t, topic.AppendOnHold(h, &Record{Headers: []Header{{Key: "h"}}}, Unkeyed, -1,
			0, false))
		require.Empty(t, take(t, topic))
		h.Release(x.at, id)
		copy(id, "????") // it is the caller's
		h.Release(0, []byte("second"))
		onHoldAdd(t, topic, h, "", x.value)
		require.Equal(t, []string{x.want, "", x.want}, take(t, topic), "%+v", x)
	}
	require.PanicsWithValue(t, "forebay: Hold.Release: at is negative (-1): it is an offset in the "+
		"value, from 0 on", func() { new(Hold).Release(-1, nil) })
}

func TestHold_SaysWhatItWaitsFor(t *testing.T) {
	require.Equal(t, "a hold without a name", new(Hold).String())
	h := NewHold("schema 7")
	require.Equal(t, "schema 7", h.String())
	h.Explain("it is away")
	require.Equal(t, "schema 7: it is away", h.String())
	h.Explain("")
	require.Equal(t, "schema 7", h.String())
	require.Equal(t, "schema 7", h.Name())
	h.Explain(strings.Repeat("ä", 1<<20))
	require.Equal(t, "schema 7: "+strings.Repeat("ä", 150)+"…", h.String())
}

// A record that is sent while Release has let go only a part goes behind the rest.
func TestTopic_WhatIsSentDuringAReleaseGoesBehindIt(t *testing.T) {
	lane := newTestLane(t, 1<<20, func(c *Config) { c.BatchBytes = 256 })
	topic, h := newTestTopic(t, lane), NewHold("it")
	for i := range 9 {
		onHoldAdd(t, topic, h, "k", fmt.Sprintf("?%90d", i))
	}
	h.patch.Store(&patch{0, []byte("!")}) // as Release does
	require.True(t, topic.letGo(h))
	onHoldAdd(t, topic, h, "k", fmt.Sprintf("?%90d", 9))
	got := take(t, topic) // the dispatcher does not wait for the rest
	topic.Released(h)
	onHoldAdd(t, topic, h, "k", fmt.Sprintf("?%90d", 10))
	got = append(got, take(t, topic)...)
	require.Len(t, got, 11)
	for i, v := range got {
		require.Equal(t, fmt.Sprintf("!%90d", i), v)
	}
}

// What is on hold for two thousand names is bounded by a quarter of the memory, tables included,
// and gives all of it back.
func TestTopic_HoldsTakeAQuarterOfTheMemory(t *testing.T) {
	lane := newTestLane(t, 4<<20)
	topic := newTestTopic(t, lane)
	used, accepted := lane.budget.Used(), 0
	holds := make([]*Hold, 10_000)
	for i := range holds {
		holds[i] = NewHold(fmt.Sprint(i))
		err := topic.AppendOnHold(holds[i], &Record{Key: []byte("k")}, Keyed, -1, 0, false)
		if err == nil {
			accepted++
			continue
		}
		require.ErrorIs(t, err, ErrOnHold)
		require.ErrorIs(t, err, ErrFull)
		require.Nil(t, holds[i].keepers, "nothing is kept for it")
		require.Positive(t, topic.Short())
	}
	require.Greater(t, accepted, 500)
	require.LessOrEqual(t, lane.budget.Used()-used, int64(1<<20))
	n, named := topic.OnHold()
	require.EqualValues(t, accepted, n)
	require.Len(t, named, accepted)
	large := Record{Value: make([]byte, 2<<20)}
	require.ErrorIs(t, topic.AppendOnHold(holds[0], &large, Unkeyed, -1, 0, false), ErrOnHold)
	require.Len(t, topic.TakeAll(), accepted)
	require.ErrorIs(t, topic.AppendOnHold(holds[0], &large, Unkeyed, -1, 0, false), ErrOnHold)
	require.Nil(t, topic.onHold)
	require.Nil(t, holds[0].keepers)
	require.Zero(t, lane.budget.onHold.Load())
}

// A Hold that nobody releases does not keep a topic alive that has nothing for it.
func TestHold_KeepsNoTopicAlive(t *testing.T) {
	h := NewHold("it")
	gone := func() weak.Pointer[Topic] {
		topic := newTestTopic(t, newTestLane(t, 1<<20))
		onHoldAdd(t, topic, h, "", "value")
		for _, b := range topic.TakeAll() {
			topic.Resolve(b, delivery.Shed, delivery.SchemaUnknown, false)
		}
		return weak.Make(topic)
	}()
	require.Eventually(t, func() bool {
		runtime.GC()
		return gone.Value() == nil
	}, time.Minute, time.Millisecond)
	runtime.KeepAlive(h)
}

func TestHold_ReleasedAmongSendsAndEvictions_ConcurrentSafe(t *testing.T) {
	const senders, each = 4, 500
	lane := newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 2 << 10 })
	topic := newTestTopic(t, lane)
	holds := []*Hold{NewHold("a"), NewHold("b"), NewHold("c")}
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				r := Record{Key: fmt.Append(nil, s), Value: fmt.Appendf(nil, "?%d %04d", s, i)}
				h := holds[s%3] // one for each key
				if err := topic.AppendOnHold(h, &r, Keyed, -1, 0, false); err != nil {
					panic(err)
				}
				h.Explain("still")
				_ = h.String()
			}
		})
	}
	for _, h := range holds {
		for range 2 {
			wg.Go(func() { h.Release(0, []byte("!")) })
		}
	}
	wg.Go(func() {
		for range 5 {
			if b := lane.TakeOldest(); b != nil {
				topic.Resolve(b, delivery.Shed, delivery.OverShare, false)
			}
			topic.OnHold()
		}
	})
	wg.Wait()
	last := make(map[byte]string)
	for _, v := range take(t, topic) {
		require.Equal(t, byte('!'), v[0])
		require.Less(t, last[v[1]], v)
		last[v[1]] = v
	}
	books := booksOf(topic)
	require.True(t, books.Balanced())
	require.Zero(t, books.Pending)
	require.EqualValues(t, senders*each, books.Accepted)
	require.Zero(t, lane.budget.onHold.Load())
}
