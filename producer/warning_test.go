package producer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// refused is a dialer's answer where nobody is there.
func refused(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("nobody is there")
}

// warned returns the warnings that New has logged with these settings, and those of Reconfigure.
func warned(t *testing.T, opts []Option, settings ...Config) (all []string) {
	t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	p, err := New(settings[0], append(opts, WithLogger(zap.New(core)), WithDialer(refused))...)
	require.NoError(t, err)
	for _, cfg := range settings[1:] {
		require.NoError(t, p.Reconfigure(cfg))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = p.Close(ctx)
	require.NoError(t, err)
	for _, line := range logs.FilterMessage("check this setting").All() {
		all = append(all,
			line.ContextMap()["setting"].(string)+": "+line.ContextMap()["why"].(string))
	}
	return all
}

func TestWarnings_APasswordWithoutTLSIsToldOnce(t *testing.T) {
	with := func(mechanism string, tls bool, more ...string) Config {
		cc := ClusterConfig{Brokers: append(more, "a:1"), TLS: TLSConfig{Enabled: tls},
			SASL: SASLConfig{Mechanism: mechanism, User: "u", Password: "p"}}
		return Config{Clusters: map[string]ClusterConfig{"events": cc}}
	}
	const plain = "clusters.events.sasl.mechanism: plain without TLS sends the credentials in " +
		"clear text: " +
		"set tls.enabled, or use WithTLS, even with a dialer of your own"
	require.Equal(t, []string{plain}, warned(t, nil, with("plain", false)))
	require.Equal(t, []string{plain}, warned(t, nil, with("plain", false),
		with("plain", false, "b:1")), "once")
	require.Equal(t, []string{plain}, warned(t, nil, with("plain", true), with("plain", false)))
	require.Empty(t, warned(t, nil, with("plain", true)))
	require.Empty(t, warned(t, nil, with("scram-sha-256", false)))
	require.Empty(t, warned(t, []Option{WithTLS("events", &tls.Config{})}, with("plain", false)))
}

func TestWarnings_ABufferAboveTheMemoryLimit(t *testing.T) {
	const gib = 1 << 30 // far more than this process has, so that the collector has nothing to do
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	cfg := Config{Clusters: map[string]ClusterConfig{"events": {Brokers: []string{"127.0.0.1:1"}}}}
	cfg.Buffer.MaxBytes, cfg.Reports.MaxBytes = 64*gib, 1<<20
	for limit, warns := range map[int64]bool{math.MaxInt64: false, 80 * gib: false,
		80*gib - 1: true, 64 * gib: true, 16 * gib: true} {
		debug.SetMemoryLimit(limit)
		got := warned(t, nil, cfg)
		if !warns {
			require.Empty(t, got, "%d", limit)
			continue
		}
		require.Equal(t,
			[]string{fmt.Sprintf("buffer.max_bytes: 68719476736: the memory limit of this "+
				"process (GOMEMLIMIT) is %d, so the "+
				"garbage collector runs all the time while the buffer is full: raise it to "+
				"85899345920 plus what the rest of the program needs, or lower "+
				"buffer.max_bytes", limit)}, got)
	}
}

// An event that is about no cluster said "connecting", the zero state.
func TestHistory_EventsOfNoClusterHaveNoState(t *testing.T) {
	p, err := New(Config{Clusters: map[string]ClusterConfig{"events": {Brokers: []string{"127.0.0.1:1"}}}}, WithDialer(refused))
	require.NoError(t, err)
	defer func() { _, _ = p.Close(t.Context()) }()
	require.NoError(t, p.Reconfigure(p.Config()))
	for _, e := range p.History() {
		require.Equal(t, e.Kind == EventCluster, e.State.String() != "none", "%v", e)
	}
	require.NotEmpty(t, p.History())
	require.NotContains(t, fmt.Sprint(Event{Kind: EventReconfigured}), "connecting")
	for e := range p.Current() {
		require.Equal(t, e.Kind == EventCluster, e.State.String() != "none", "%v", e)
	}
}

func TestNew_TakesOptionsThatAreNil(t *testing.T) {
	cfg := Config{Clusters: map[string]ClusterConfig{"events": {Brokers: []string{"127.0.0.1:1"}}}}
	opts := []Option{nil, WithLogger(nil), WithSlog((*slog.Logger)(nil)), WithDelivery(nil),
		WithEvents(nil), WithPartitioner(nil),
		WithHooks(nil, kgo.Hook(nil)), WithDialer(nil), WithResolver(nil)}
	_, err := cfg.Complete(opts...)
	require.NoError(t, err)
	p, err := New(cfg, opts...)
	require.NoError(t, err)
	require.NoError(t, p.Send(Record{Topic: "plays", Key: []byte("k")}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, err = p.Close(ctx)
	require.ErrorIs(t, err, ErrLeft)
}
