package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/producer"
)

// A fleet file that says nothing about the settings has those of a producer.
func TestPlan_HasTheDefaultsOfTheProducer(t *testing.T) {
	t.Parallel()
	f, err := fleet.Parse("f", []byte("{instances: 1, brokers: 1, topics: [{records_per_second: 1}]}"))
	require.NoError(t, err)
	cfg, origins, err := config.Load("", config.WithEnviron(),
		config.Override(func(cfg *producer.Config) {
			cfg.Clusters = map[string]producer.ClusterConfig{"c": {Brokers: []string{"a:1"}}}
			cfg.Batching.Linger, cfg.Batching.MaxLinger = f.Settings.Linger, f.Settings.MaxLinger
			cfg.Batching.MaxBytes = int(f.Settings.BatchBytes)
			cfg.Buffer.MaxBytes = f.Settings.BufferBytes
			cfg.Priorities.High.DeliveryTimeout = f.Settings.DeliveryTimeout.High
			cfg.Priorities.Medium.DeliveryTimeout = f.Settings.DeliveryTimeout.Medium
			cfg.Priorities.Low.DeliveryTimeout = f.Settings.DeliveryTimeout.Low
		}))
	require.NoError(t, err)
	given, err := config.Effective(cfg, origins)
	require.NoError(t, err)
	defaults, err := config.Effective(producer.Config{Clusters: cfg.Clusters}, nil)
	require.NoError(t, err)
	for i := range given {
		require.Equal(t, defaults[i].Value, given[i].Value, defaults[i].Field)
	}
	require.Equal(t, cluster.ProbeMax, f.Settings.ProbeMax)
}
