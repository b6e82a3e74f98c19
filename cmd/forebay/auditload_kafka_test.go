//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/loadtest"
	"github.com/forebay-go/forebay/test/kafkatest"
)

func TestKafka_AuditLoadFindsWhatReadersCostTheBrokers(t *testing.T) {
	cluster := kafkatest.Start(t)
	cluster.CreateTopic(t, topic, 3)
	broker := cluster.Broker(0)
	file := loading(t, broker.Addr(), "    mode: consumers\n    records_per_second: [500]\n"+
		"    readers: 2\n    old_records: 20000\n")
	var results []loadtest.Result
	for _, args := range [][]string{{"--duration", "1s"},
		{"--mode", "steps", "--broker-pids", fmt.Sprint(broker.PID())}} {
		out, _ := measured(t, append(args, "--json", file)...)
		var result loadtest.Result
		require.NoError(t, json.Unmarshal([]byte(out), &result))
		results = append(results, result)
		require.Empty(t, result.NoBrokerCPU, "its process is found by its port, or named")
		for _, m := range result.Measurements {
			require.NotNil(t, m.BrokerCPU)
			require.EqualValues(t, m.Sent, m.Delivered)
		}
	}
	require.Len(t, results[0].Measurements, 12)
	requireReaders(t, &results[0])
	for _, impact := range results[0].Impacts {
		require.Positive(t, impact.BrokerCPU.Median)
	}
	require.Len(t, results[1].Measurements, 1)
}
