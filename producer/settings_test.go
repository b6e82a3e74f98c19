package producer_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// secured are settings with every kind of value, a secret among them.
func secured() producer.Config {
	return producer.Config{
		Clusters: map[string]producer.ClusterConfig{
			"main": {Brokers: []string{"127.0.0.1:1"},
				SASL: producer.SASLConfig{Mechanism: "plain", User: "u", Password: "hunter2"}},
			"spare": {Brokers: []string{"127.0.0.1:1"}},
		},
		Priorities: producer.PrioritiesConfig{Low: producer.PriorityConfig{Cluster: "spare"},
			Medium: producer.PriorityConfig{Cluster: "main"}},
		Topics: []producer.TopicConfig{{Topic: "a.*", Priority: routing.Low}},
	}
}

// digestOf returns the digest of a producer that was made with cfg.
func digestOf(t *testing.T, cfg producer.Config) string {
	t.Helper()
	p, err := producer.New(cfg)
	require.NoError(t, err)
	defer closeAtOnce(t, p)
	return p.Stats().Settings.Digest
}

func closeAtOnce(t *testing.T, p *producer.Producer) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = p.Close(ctx)
}

func TestSettings_TheDigestTellsSettingsApartAndKnowsNoSecret(t *testing.T) {
	digest := digestOf(t, secured())
	require.Regexp(t, "^[0-9a-f]{12}$", digest)
	for range 10 { // maps have no order
		require.Equal(t, digest, digestOf(t, secured()))
	}
	full, err := secured().Complete()
	require.NoError(t, err)
	require.Equal(t, digest, digestOf(t, full), "defaults are the same whoever names them")

	other := secured()
	cc := other.Clusters["main"]
	cc.SASL.Password = "hunter3"
	other.Clusters["main"] = cc
	require.Equal(t, digest, digestOf(t, other),
		"what a secret is changes nothing: it could be guessed")

	seen := map[string]bool{digest: true}
	for name, change := range map[string]func(*producer.Config){
		"brokers": func(c *producer.Config) {
			c.Clusters["spare"] = producer.ClusterConfig{Brokers: []string{"127.0.0.1:2"}}
		},
		"user":     func(c *producer.Config) { cc := c.Clusters["main"]; cc.SASL.User = "v"; c.Clusters["main"] = cc },
		"ID":       func(c *producer.Config) { cc := c.Clusters["main"]; cc.ClusterID = "x"; c.Clusters["main"] = cc },
		"rule":     func(c *producer.Config) { c.Topics[0].Priority = routing.High; c.Priorities.High.Cluster = "main" },
		"linger":   func(c *producer.Config) { c.Batching.Linger = producer.NoLinger },
		"fallback": func(c *producer.Config) { c.Priorities.Low.Fallbacks = []routing.Fallback{{Cluster: "main"}} },
		"share":    func(c *producer.Config) { c.Priorities.Low.CeilingShare = 0.5 },
	} {
		cfg := secured()
		change(&cfg)
		d := digestOf(t, cfg)
		require.False(t, seen[d], name)
		seen[d] = true
	}
}

// A field that is not exported would not be in the digest, nor a func in any text.
func TestSettings_EveryFieldIsInTheDigest(t *testing.T) {
	var look func(of reflect.Type)
	look = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Struct:
			for i := range of.NumField() {
				f := of.Field(i)
				require.True(t, f.IsExported() && f.Tag.Get("json") == "", "%v.%s", of, f.Name)
				look(f.Type)
			}
		case reflect.Slice, reflect.Map, reflect.Pointer:
			look(of.Elem())
		case reflect.Func, reflect.Chan, reflect.Interface:
			require.Fail(t, "it cannot be encoded", of.String())
		}
	}
	look(reflect.TypeFor[producer.Config]())
}

func TestSettings_AChangeIsShownInStatsAndLoggedOnce(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	begin := time.Now()
	p, err := producer.New(secured(), producer.WithLogger(zap.New(core)))
	require.NoError(t, err)
	defer closeAtOnce(t, p)
	first := p.Stats().Settings
	require.Zero(t, first.Changes)
	require.Empty(t, first.Source+first.Refused)
	require.False(t, first.Since.Before(begin) || first.Since.After(time.Now()))

	bad := secured()
	bad.Batching.Linger = time.Hour
	require.Error(t, p.Reconfigure(bad))
	require.Equal(t, first, p.Stats().Settings, "what is refused changes nothing")

	cfg := secured()
	cfg.Batching.Linger = time.Second
	require.NoError(t, p.Reconfigure(cfg))
	second := p.Stats().Settings
	require.EqualValues(t, 1, second.Changes)
	require.NotEqual(t, first.Digest, second.Digest)
	require.Equal(t, digestOf(t, cfg), second.Digest)
	require.True(t, second.Since.After(first.Since))

	p.SettingsFrom("forebay.yaml", nil)
	require.Equal(t, "forebay.yaml", p.Stats().Settings.Source)
	p.SettingsFrom("forebay.yaml", errors.New("forebay.yaml:3: "+strings.Repeat("x", 1<<20)))
	refused := p.Stats().Settings
	require.True(t, strings.HasPrefix(refused.Refused, "forebay.yaml:3: "))
	require.Less(t, len(refused.Refused), 5<<10)
	require.False(t, refused.RefusedAt.Before(second.Since))
	p.SettingsFrom("forebay.yaml", nil)
	require.Empty(t, p.Stats().Settings.Refused)
	require.Zero(t, p.Stats().Settings.RefusedAt)

	require.Eventually(t, func() bool { return logs.FilterMessage("settings changed").Len() > 0 },
		time.Minute, time.Millisecond)
	lines := logs.FilterMessage("settings changed").All()
	require.Len(t, lines, 1)
	require.Equal(t, second.Digest, lines[0].ContextMap()["digest"])
}
