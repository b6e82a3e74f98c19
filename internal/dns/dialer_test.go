package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// in runs fn in virtual time, in a world of its own.
func in(t *testing.T, fn func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { fn(t, newWorld()) })
}

func TestDial_UsesTheLastGoodAnswerWhenALookupFailsOrIsSlow(t *testing.T) {
	for name, fault := range map[string]struct {
		cause func(w *world)
		waits time.Duration // at most, in the first dial
	}{
		"NXDOMAIN": {func(w *world) { w.fail = errNX }, 0},
		"SERVFAIL": {func(w *world) { w.fail = errServfail }, 0},
		"empty":    {func(w *world) { w.names["kafka"] = []string{} }, 0},
		"nonsense": {func(w *world) { w.names["kafka"] = []string{"kafka"} }, 0},
		"slow":     {func(w *world) { w.slow = 5 * time.Second }, slow},
		"hangs":    {func(w *world) { w.slow = time.Hour }, slow},
		"deaf":     {func(w *world) { w.deaf = make(chan struct{}) }, slow},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				d := w.dialer(t)
				w.name("kafka", "10.0.0.1")
				reach(t, d, "kafka")
				time.Sleep(time.Hour) // it is idle, and not refreshed any more
				w.set(func() { fault.cause(w) })
				before := w.asked("kafka")
				var waited time.Duration
				for range 600 {
					at, took := reach(t, d, "kafka")
					require.Equal(t, "10.0.0.1", at)
					require.LessOrEqual(t, took, slow)
					waited += took
					time.Sleep(100 * time.Millisecond)
				}
				if fault.waits == 0 {
					require.Zero(t, waited)
				}
				require.LessOrEqual(t, waited, 3*slow, "few of the dials wait, in a minute")
				require.LessOrEqual(t, w.asked("kafka")-before, 61,
					"a look-up that fails is not begun again within a second")
				require.Positive(t, d.Stats().Stale)
				if w.deaf != nil {
					close(w.deaf)
				}
			})
		})
	}
}

func TestDial_WaitsForTheFirstLookupWithinItsContext(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.name("kafka", "10.0.0.1")
		w.set(func() { w.slow = 900 * time.Millisecond })
		_, took := reach(t, d, "kafka")
		require.Equal(t, 900*time.Millisecond, took)

		w.name("other", "10.0.0.2")
		w.set(func() { w.slow = 5 * time.Second })
		_, took, err := knock(d, "other")
		require.Equal(t, time.Second, took)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		dnsErr, ok := errors.AsType[*net.DNSError](err)
		require.True(t, ok)
		require.True(t, dnsErr.IsTimeout)
		_, _, err = knock(d, "other")
		require.Error(t, err)
		time.Sleep(3*time.Second + time.Millisecond)
		_, took = reach(t, d, "other") // the look-up went on
		require.Zero(t, took)
		require.Equal(t, 2, w.asked("other"))

		w.name("another", "10.0.0.3")
		w.set(func() { w.slow = time.Hour })
		for range 3 {
			_, _, err = knock(d, "another")
			require.Error(t, err)
		}
		w.set(func() { w.slow = 0 })
		reach(t, d, "another") // what the resolver has missed is not waited for
	})
}

func TestDial_SharesLookups(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.name("kafka", "10.0.0.1", "10.0.0.2")
		w.set(func() { w.slow = 100 * time.Millisecond })
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { reach(t, d, "kafka") })
		}
		wg.Wait()
		require.Equal(t, 1, w.asked("kafka"))
	})
}

func TestDial_RefreshesInTheBackgroundWhatIsInUse(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.name("kafka", "10.0.0.1")
		c, _, err := knock(d, "kafka")
		require.NoError(t, err)
		_, err = c.Read(make([]byte, 1))
		require.NoError(t, err)
		time.Sleep(time.Hour) // nobody dials, but there is a connection
		require.GreaterOrEqual(t, w.asked("kafka"), 120)
		require.LessOrEqual(t, w.asked("kafka"), 135)
		w.move("kafka", "10.0.0.2")
		time.Sleep(30 * time.Second)
		w.set(func() { w.slow = time.Hour }) // only what was learnt in the background can help
		at, took := reach(t, d, "kafka")
		require.Equal(t, "10.0.0.2", at)
		require.Zero(t, took)
		require.NoError(t, c.Close())
		time.Sleep(time.Hour)
		before := w.asked("kafka")
		time.Sleep(24 * time.Hour)
		require.Equal(t, before, w.asked("kafka"),
			"a name that nobody uses is not refreshed for ever")
	})
}

func TestDial_AnIdleNameIsLookedUpFirst(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.name("kafka", "10.0.0.1")
		reach(t, d, "kafka")
		time.Sleep(6 * time.Hour)
		w.attempts()
		w.move("kafka", "10.0.0.2")
		w.set(func() { w.up["10.0.0.1"] = true }) // somebody else lives there by now
		at, _ := reach(t, d, "kafka")
		require.Equal(t, "10.0.0.2", at)
		require.Equal(t, []string{"10.0.0.2"}, w.attempts())
	})
}

func TestDial_FollowsANameWhoseAddressesAllChangeAfterOneDialThatFails(t *testing.T) {
	for name, gone := range map[string]func(w *world){
		"refused":   func(*world) {},
		"hangs":     func(w *world) { w.hang["10.0.0.1"] = true },
		"is silent": func(w *world) { w.up["10.0.0.1"], w.mute["10.0.0.1"] = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				d := w.dialer(t)
				w.name("kafka", "10.0.0.1")
				reach(t, d, "kafka")
				w.move("kafka", "10.0.0.2")
				w.set(func() { gone(w) })
				c, _, err := knock(d, "kafka")
				if err == nil {
					require.NoError(t, c.Close()) // what uses it has given up
				}
				at, took := reach(t, d, "kafka")
				require.Equal(t, "10.0.0.2", at)
				require.Zero(t, took)
				require.Equal(t, 2, w.asked("kafka"))
			})
		})
	}
}

func TestDial_TriesAllAddresses(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		addrs := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "::1", "::2", "::3",
			"::4"}
		for _, alive := range addrs {
			host := "kafka" + alive
			d := w.dialer(t)
			w.name(host, addrs...)
			w.set(func() {
				for i, a := range addrs {
					w.up[a], w.hang[a] = a == alive, a != alive && i%2 == 0
				}
			})
			at, took := reach(t, d, host)
			require.Equal(t, alive, at)
			require.LessOrEqual(t, took, time.Second)
			for range 10 { // from now on it is the first
				w.attempts()
				at, took = reach(t, d, host)
				require.Equal(t, alive, at)
				require.Zero(t, took)
				require.Equal(t, []string{alive}, w.attempts())
				time.Sleep(time.Minute)
			}
		}
	})
}

// The time is not divided so that none of many addresses has enough of it.
func TestDial_ReachesOneOfManyFarAddresses(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		var addrs []string
		for i := range maxAddrs {
			addrs = append(addrs, fmt.Sprintf("10.0.0.%d", i+1))
		}
		d := w.dialer(t)
		w.name("kafka", addrs...)
		w.set(func() { w.far = 400 * time.Millisecond })
		_, took := reach(t, d, "kafka")
		require.Equal(t, 400*time.Millisecond, took)
	})
}

// A broker that was stopped still lets connections be opened.
func TestDial_TurnsFromAnAddressThatSaysNothing(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.name("kafka", "10.0.0.1", "10.0.0.2", "10.0.0.3")
		worked, _ := reach(t, d, "kafka")
		w.set(func() { w.mute[worked] = true })
		c, _, err := knock(d, "kafka")
		require.NoError(t, err)
		require.Equal(t, worked, c.(*conn).Conn.(*lived).at)
		require.NoError(t, c.Close())
		at, took := reach(t, d, "kafka")
		require.NotEqual(t, worked, at)
		require.Zero(t, took)
	})
}

func TestDial_DialersSpreadOverTheAddresses(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.name("kafka", "10.0.0.1", "10.0.0.2", "10.0.0.3")
		count := make(map[string]int)
		for range 300 {
			at, _ := reach(t, w.dialer(t), "kafka")
			count[at]++
		}
		require.Len(t, count, 3)
		for addr, n := range count {
			require.Greater(t, n, 50, addr)
		}
	})
}

func TestDial_PutsTheChosenFamilyFirst(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.name("kafka", "::1", "::2", "10.0.0.1", "10.0.0.2")
		w.set(func() { clear(w.up) })
		for range 20 {
			_, _, err := knock(w.dialer(t), "kafka")
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
			require.Regexp(t, `^\[::\d 10\.0\.0\.\d ::\d 10\.0\.0\.\d\]$`, fmt.Sprint(w.attempts()))
		}
	})
}

func TestDial_SaysWhyNoAddressWillDo(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.name("kafka", "10.0.0.1", "10.0.0.2")
		w.set(func() { clear(w.up); w.hang["10.0.0.2"] = true })
		_, _, err := knock(d, "kafka")
		op, ok := errors.AsType[*net.OpError](err)
		require.True(t, ok)
		require.Equal(t, "dial", op.Op)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Contains(t, err.Error(), "no address of kafka will do: ")

		_, _, err = knock(d, "other")
		require.EqualError(t, err, "dial tcp: lookup : no such host")
		_, err = d.DialContext(t.Context(), "tcp", "kafka")
		require.EqualError(t, err, "dial tcp: address kafka: missing port in address")
	})
}

func TestDial_PassesAddressesThrough(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.set(func() { w.up["10.0.0.1"], w.up["::1"] = true, true })
		for _, host := range []string{"10.0.0.1", "::1"} {
			c, _, err := knock(d, host)
			require.NoError(t, err)
			require.NoError(t, c.Close())
		}
		_, _, err := knock(d, "10.0.0.2")
		require.EqualError(t, err, "dial tcp: connect: connection refused")
		require.Zero(t, d.Stats())
	})
}

func TestDial_IsBoundedInNamesAndInTheirAge(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t, func(c *Config) { c.MaxNames, c.StaleFor = 3, time.Hour })
		for _, host := range []string{"a", "b", "c", "a", "d"} { // b is used longest ago
			w.name(host, "10.0.0.1")
			reach(t, d, host)
			time.Sleep(time.Second)
		}
		require.Equal(t, 3, d.Stats().Known)
		w.set(func() { w.fail = errServfail })
		for _, host := range []string{"a", "c", "d"} {
			reach(t, d, host)
		}
		_, _, err := knock(d, "b")
		require.ErrorContains(t, err, "server misbehaving")

		time.Sleep(time.Hour + time.Second)
		for _, host := range []string{"a", "c", "d"} {
			_, _, err := knock(d, host)
			require.ErrorContains(t, err, "server misbehaving")
		}
		require.Zero(t, d.Stats().Known,
			"what never had an answer, or has none any more, is not kept")
	})
}

func TestDial_SurvivesPanics(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t, func(c *Config) {
			c.Lookup = func(context.Context, string) ([]string, error) { panic("oh") }
		})
		_, _, err := knock(d, "kafka")
		require.EqualError(t, err, "dial tcp: look up kafka: the resolver panicked: oh")
		d = w.dialer(t, func(c *Config) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) { panic("oh") }
		})
		w.name("kafka", "10.0.0.1")
		_, _, err = knock(d, "kafka")
		require.EqualError(t, err, "dial tcp: the dialer panicked: oh")
	})
}

func TestClose_EndsWhatIsUnderWay(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.name("kafka", "10.0.0.1", "10.0.0.2")
		w.set(func() { w.hang["10.0.0.1"], w.hang["10.0.0.2"] = true, true })
		ended := make(chan error, 2)
		go func() {
			_, err := d.DialContext(context.Background(), "tcp", "kafka:9092")
			ended <- err
		}()
		synctest.Wait()
		w.set(func() { w.slow = time.Hour })
		go func() {
			_, err := d.DialContext(context.Background(), "tcp", "slow:9092")
			ended <- err
		}()
		synctest.Wait()
		began := time.Now()
		d.Close()
		d.Close()
		require.Zero(t, time.Since(began))
		require.Error(t, <-ended)
		require.Error(t, <-ended)
		_, _, err := knock(d, "kafka")
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestClose_LeavesBehindWhatHeedsNoContext(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t)
		w.name("kafka", "10.0.0.1")
		deaf := make(chan struct{})
		w.set(func() { w.deaf = deaf })
		for range maxLookups + 10 {
			for i := range 2 {
				_, took, err := knock(d, fmt.Sprint("kafka", i))
				require.Error(t, err)
				require.LessOrEqual(t, took, time.Second)
			}
			time.Sleep(lookupTimeout)
		}
		_, _, err := knock(d, "kafka")
		require.ErrorContains(t, err, "256 look-ups are under way that do not end")
		began := time.Now()
		d.Close()
		require.Equal(t, closePatience, time.Since(began))
		close(deaf) // or the test would not end
	})
}

func TestDial_DefaultsReachLocalhost(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte{'!'})
			_ = c.Close()
		}
	}()
	d := New(Config{})
	defer d.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{"localhost", "127.0.0.1"} {
		c, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		require.NoError(t, err)
		_, err = c.Read(make([]byte, 1))
		require.NoError(t, err)
		require.NoError(t, c.Close())
	}
	require.EqualValues(t, 1, d.Stats().Lookups)
}

func TestDialer_ConcurrentSafe(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t, func(c *Config) { c.MaxNames = 3 })
		hosts := []string{"a", "b", "c", "d", "e"}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				for j := range 50 {
					host := hosts[(i+j)%len(hosts)]
					if j%7 == 0 {
						w.name(host, fmt.Sprintf("10.0.%d.1", i), fmt.Sprintf("10.0.%d.2", j))
					}
					if c, _, err := knock(d, host); err == nil {
						_, _ = c.Read(make([]byte, 1))
						_ = c.Close()
					}
					w.set(func() { w.slow = time.Duration(j%3) * 200 * time.Millisecond })
					_ = d.Stats()
					time.Sleep(time.Duration(i) * time.Second)
				}
			})
		}
		time.Sleep(20 * time.Minute)
		d.Close()
		wg.Wait()
		require.Zero(t, d.Stats().Known)
	})
}
