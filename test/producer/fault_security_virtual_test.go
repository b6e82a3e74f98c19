//go:build synctests

package producer_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	saslplain "github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// door is what stands before brokers that ask who comes.
type door struct {
	barred  atomic.Bool // for "service"
	refused atomic.Int64
}

// guard has k turn those away who are barred, as Kafka does it: kfake itself only hangs up.
func (d *door) guard(b *bubble) {
	b.k.says = []kgo.Opt{kgo.SASL(saslplain.Auth{User: "operator", Pass: "operator"}.AsMechanism())}
	b.k.ControlKey(int16(kmsg.SASLAuthenticate),
		func(req kmsg.Request) (kmsg.Response, error, bool) {
			b.k.KeepControl()
			said := req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes
			if !d.barred.Load() && bytes.HasSuffix(said, []byte("\x00right")) ||
				bytes.Contains(said, []byte("operator")) {
				return nil, nil, false
			}
			d.refused.Add(1)
			resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			resp.ErrorCode, resp.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("who are you?")
			return resp, nil, true
		})
}

// setup returns one in which brokers let "service" in with the password "right" while the door is
// open.
func (d *door) setup(sasl producer.SASLConfig, opts ...producer.Option) setup {
	return setup{
		kafka: []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "operator", "operator"),
			kfake.Superuser("PLAIN", "service", "right")},
		before: d.guard, options: opts,
		change: func(cfg *producer.Config) {
			cc := cfg.Clusters["events"]
			cc.SASL = sasl
			cfg.Clusters["events"] = cc
			cfg.Priorities.Medium.DeliveryTimeout = 24 * time.Hour
		},
	}
}

// awaitDown waits until the cluster is down, and returns the reason.
func (b *bubble) awaitDown(within time.Duration) string {
	b.t.Helper()
	began := time.Now()
	for b.p.Stats().Clusters["events"].State != producer.Down {
		require.Less(b.t, time.Since(began), within, "%+v", b.p.Stats())
		time.Sleep(time.Millisecond)
	}
	return b.p.Stats().Clusters["events"].Reason
}

// What was let in before goes on, and the question for metadata is one of that: it must not pass
// for a cluster that is well.
func TestVirtual_F12_ALaneThatIsTurnedAwayIsSeenThoughAnOlderConnectionLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proven, d := proof.Of(t, "F12"), new(door)
		made := d.setup(producer.SASLConfig{Mechanism: "plain", User: "service", Password: "right"})
		made.brokers = 1 // of several, those that nobody has business with are thought well of
		s := judged(t, proven, made, func(b *bubble) {
			b.stream(time.Second, 3, "events")
			b.flush()
			time.Sleep(2 * time.Minute) // the connections of lanes end for being idle
			b.logs.TakeAll()
			d.barred.Store(true)
			time.Sleep(time.Minute)
			require.Equal(t, producer.Up, b.p.Stats().Clusters["events"].State)
			b.send("events", 10)
			require.Contains(t, b.awaitDown(5*time.Second),
				"SASL authentication failed: who are you?")
			before := b.k.link.Dials()
			time.Sleep(20 * time.Second)
			require.LessOrEqual(t, b.k.link.Dials()-before, int64(2*20),
				"it is asked as rarely from the start")
			time.Sleep(time.Hour)
			dials := b.k.link.Dials() - before
			require.LessOrEqual(t, dials, int64(2*3620), "two attempts a second")
			proven.Held("I16", uint64(dials))
			proven.Figure("attempts in an hour", "%d", dials)
			require.LessOrEqual(t, b.logs.Len(), 10)
			d.barred.Store(false)
			b.goesOn(probeMax + soon)
		})
		proven.Bit("times turned away", d.refused.Load())
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func TestVirtual_F12_AFunctionForCredentialsMayFailInEveryWay(t *testing.T) {
	for name, x := range map[string]struct {
		fail   func(ctx context.Context) (producer.Credentials, error)
		reason string
		within time.Duration
	}{
		"error": {func(context.Context) (producer.Credentials, error) {
			return producer.Credentials{}, errors.New("no vault")
		}, "no vault", probeMax},
		"panic": {func(context.Context) (producer.Credentials, error) { panic("no vault") },
			"panicked: with a string", probeMax},
		"hangs": {func(ctx context.Context) (producer.Credentials, error) {
			<-ctx.Done()
			return producer.Credentials{}, ctx.Err()
		}, "", 14 * time.Second},
		"nobody": {func(context.Context) (producer.Credentials, error) {
			return producer.Credentials{}, nil
		}, "must be non-empty", probeMax},
		"wrong": {func(context.Context) (producer.Credentials, error) {
			return producer.Credentials{User: "service", Password: "wrong"}, nil
		}, "SASL authentication failed", probeMax},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				proven, d := proof.Of(t, "F1", "F12"), new(door)
				var healed atomic.Bool
				var failed atomic.Int64
				s := judged(t, proven, d.setup(producer.SASLConfig{Mechanism: "plain"},
					producer.WithCredentials("events",
						func(ctx context.Context) (producer.Credentials, error) {
							if !healed.Load() {
								failed.Add(1)
								return x.fail(ctx)
							}
							return producer.Credentials{User: "service", Password: "right"}, nil
						})), func(b *bubble) {
					b.stream(time.Minute, 1, "events")
					status := b.p.Stats().Clusters["events"]
					require.False(t, status.State.Ready())
					require.Contains(t, status.Reason, x.reason)
					proven.Figure("the reason", "%s", status.Reason)
					healed.Store(true)
					b.resumes(x.within + soon)
				})
				proven.Bit("calls of the function that failed", failed.Load())
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

func TestVirtual_F12_AnotherPasswordByReconfigureLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proven, d := proof.Of(t, "F1", "F12"), new(door)
		s := judged(t, proven, d.setup(producer.SASLConfig{Mechanism: "plain", User: "service",
			Password: "wrong"}), func(b *bubble) {
			b.stream(time.Minute, 1, "events")
			require.Contains(t, b.p.Stats().Clusters["events"].Reason, "SASL authentication failed")
			right := b.k.config(d.setup(producer.SASLConfig{Mechanism: "plain", User: "service",
				Password: "right"}).change)
			require.NoError(t, b.p.Reconfigure(right))
			b.resumes(soon)
			dials := b.k.link.Dials()
			require.NoError(t, b.p.Reconfigure(right)) // which changes nothing
			b.stream(time.Second, 1, "events")
			require.Equal(t, dials, b.k.link.Dials())
		})
		proven.Bit("times turned away", d.refused.Load())
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}
