package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is what must be true of a dialer, whatever the resolver and those at the addresses do.
type model struct {
	w *world
	d *Dialer
	// when the resolver last said of a name that it has an address
	said  map[string]map[string]time.Time
	good  map[string]time.Time  // when a look-up of a name last succeeded
	mu    sync.Mutex            // guards said and good
	open  map[string][]net.Conn // kept, by name
	all   []net.Conn
	dials int
	next  int // address
}

const modelAge = 10 * time.Minute

// lookup is that of the world, with what is said noted when it is.
func (m *model) lookup(ctx context.Context, host string) ([]string, error) {
	addrs, err := m.w.lookup(ctx, host)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && len(addrs) > 0 {
		m.good[host] = time.Now()
		if m.said[host] == nil {
			m.said[host] = make(map[string]time.Time)
		}
		for _, a := range addrs {
			m.said[host][a] = time.Now()
		}
	}
	return addrs, err
}

func (m *model) anyHost(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "host")
}

// dial dials a name and checks what comes of it.
func (m *model) dial(t *rapid.T) {
	host, keep := m.anyHost(t), rapid.Bool().Draw(t, "keep")
	m.w.attempts()
	m.mu.Lock()
	before, known := m.good[host]
	known = known && time.Since(before) < modelAge
	m.mu.Unlock()
	m.dials++
	c, took, err := knock(m.d, host)
	if err == nil {
		m.all = append(m.all, c)
	}
	require.LessOrEqual(t, took, time.Second)
	if _, isDNS := errors.AsType[*net.DNSError](err); isDNS {
		require.False(t, known, "the answer of %v is remembered: %v", before, err)
	}
	m.expected(t, host, before)
	if err != nil {
		return
	}
	if keep {
		m.open[host] = append(m.open[host], c)
		return
	}
	if !m.w.silent(c) {
		_, err := c.Read(make([]byte, 1))
		require.NoError(t, err)
	}
	require.NoError(t, c.Close())
}

// expected checks that only addresses of host were dialled that the answer has which was the last
// one before.
func (m *model) expected(t *rapid.T, host string, before time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, addr := range m.w.attempts() {
		require.Contains(t, m.said[host], addr)
		// Of look-ups under way together the first to end counts, and an answer that comes during a
		// dial is for the next.
		require.LessOrEqual(t, before.Sub(m.said[host][addr]), lookupTimeout,
			"an address that the last answer does not have")
		require.Less(t, time.Since(m.good[host]), modelAge+time.Second)
	}
}

// silent reports whether nobody says anything on c.
func (w *world) silent(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mute[c.(*conn).Conn.(*lived).at]
}

func (m *model) address() string {
	m.next++
	return fmt.Sprintf("10.0.%d.%d", m.next/250, m.next%250+1)
}

// Whatever happens, a name that has had a good answer is dialled at its addresses, those of the
// newest answer; no dial takes longer than its context; what is kept and asked is bounded; and when
// all is well again every name is followed by the second dial at the latest.
func TestDial_KeepsToTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { rapid.SyncTest(rt, runModel) })
}

func runModel(t *rapid.T) {
	w := newWorld()
	m := &model{w: w, said: make(map[string]map[string]time.Time), good: make(map[string]time.Time),
		open: make(map[string][]net.Conn)}
	m.d = New(Config{Lookup: m.lookup, Dial: w.dial, StaleFor: modelAge, MaxNames: 5})
	began := time.Now()
	defer func() {
		for _, c := range m.all {
			_ = c.Close()
		}
		m.d.Close()
		synctest.Wait()
	}()
	t.Repeat(map[string]func(*rapid.T){
		"dial":  m.dial,
		"again": m.dial,
		"sleep": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.SampledFrom([]int{50, 500, 2_000, 20_000, 60_000,
				700_000}).Draw(t, "ms")) * time.Millisecond)
		},
		"hang up": func(t *rapid.T) {
			host := m.anyHost(t)
			for _, c := range m.open[host] {
				_ = c.Close()
			}
			delete(m.open, host)
		},
		"resolver": func(t *rapid.T) {
			i := rapid.IntRange(0, 5).Draw(t, "what")
			w.set(func() {
				w.fail = []error{nil, nil, nil, nil, errNX, errServfail}[i]
				w.slow = []time.Duration{0, 0, 200 * time.Millisecond, time.Hour, 0, 0}[i]
			})
		},
		"move": func(t *rapid.T) {
			host, n := m.anyHost(t), rapid.IntRange(0, 4).Draw(t, "addresses")
			old := w.names[host]
			addrs := slices.Clone(old[:min(len(old), rapid.IntRange(0, 2).Draw(t, "kept"))])
			for range n {
				addrs = append(addrs, m.address())
			}
			w.name(host, addrs...)
		},
		"address": func(t *rapid.T) {
			addrs := w.names[m.anyHost(t)]
			if len(addrs) == 0 {
				t.Skip("it has none")
			}
			a := rapid.SampledFrom(addrs).Draw(t, "address")
			up, hang, mute := rapid.Bool().Draw(t, "up"), rapid.Bool().Draw(t,
				"hang"), rapid.Bool().Draw(t, "mute")
			w.set(func() { w.up[a], w.hang[a], w.mute[a] = up, hang, mute })
		},
		"": func(t *rapid.T) {
			require.LessOrEqual(t, m.d.Stats().Known, 5)
			refreshes := 3 * (1 + int(time.Since(began)/(27*time.Second)))
			require.LessOrEqual(t, int(m.d.Stats().Lookups), m.dials+refreshes)
		},
	})
	w.set(func() { w.fail, w.slow = nil, 0; clear(w.up); clear(w.hang); clear(w.mute) })
	for _, host := range []string{"a", "b", "c"} {
		w.move(host, m.address())
	}
	// what is in use has been refreshed; what is not is looked up first
	time.Sleep(31 * time.Second)
	for _, host := range []string{"a", "b", "c"} {
		c, took, err := knock(m.d, host)
		// the last look-up was begun before, and failed: this dial did not wait for its own
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			c, took, err = knock(m.d, host)
		}
		require.NoError(t, err)
		require.Equal(t, w.names[host][0], c.(*conn).addr.String())
		require.LessOrEqual(t, took, slow)
		require.NoError(t, c.Close())
	}
}
