//go:build unix

package logs_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

func TestKafka_EveryLineArrivesOnce(t *testing.T) {
	c := kafkatest.Shared(t)
	for name, make := range ways {
		t.Run(name, func(t *testing.T) {
			const lines = 5000
			topic := kafkatest.TopicName(t)
			c.CreateTopic(t, topic, 3)
			var late logs.Late
			w := make(t, &late, topic)
			p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
				"logs": {Brokers: c.Seeds()}}}, w.own)
			require.NoError(t, err)
			late.Use(p)
			for n := range lines {
				w.log(n, "ä")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err = p.Close(ctx)
			require.NoError(t, err)
			require.EqualValues(t, lines, w.stats().Sent)
			require.Positive(t, w.stats().Own, "the cluster came up")
			var got []int
			for _, rec := range c.Read(t, topic) {
				require.Nil(t, rec.Key)
				got = append(got, w.number(t, rec.Value))
			}
			slices.Sort(got)
			require.Len(t, got, lines)
			require.Len(t, slices.Compact(got), lines)
		})
	}
}
