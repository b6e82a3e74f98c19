package producer_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/producer"
)

// A callback that ends its goroutine, as a failed require does, ends nothing else: each further
// call is made, once, and Close waits for them.
func TestProducer_SurvivesCallbacksThatCallGoexit(t *testing.T) {
	reports, events, lines := []uint64{}, 0, 0
	p := nowhere(t,
		func(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = time.Second },
		producer.WithDelivery(func(r producer.Report) {
			reports = append(reports, r.Tag)
			runtime.Goexit()
		}),
		producer.WithEvents(func(e producer.Event) {
			if e.Kind == producer.EventReconfigured {
				events++
			}
			runtime.Goexit()
		}),
		producer.WithLogger(zap.NewExample(zap.Hooks(func(e zapcore.Entry) error {
			if e.Message == "settings changed" {
				lines++
			}
			runtime.Goexit()
			return nil
		}))))
	for tag := range uint64(3) {
		require.NoError(t, p.SendFunc(producer.Record{Topic: "t", Tag: tag},
			func(r producer.Report) {
				reports = append(reports, 10+r.Tag)
				if tag != 1 {
					runtime.Goexit()
				}
			}))
	}
	for range 2 {
		cfg := p.Config()
		cfg.Batching.Linger++
		require.NoError(t, p.Reconfigure(cfg))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := p.Close(ctx)
	require.NoError(t, err)
	require.Equal(t, []uint64{10, 0, 11, 1, 12, 2}, reports)
	require.EqualValues(t, 5, p.Stats().ReportPanics)
	require.Equal(t, 2, events)
	require.Equal(t, 2, lines)
	require.Equal(t, buffer.TableBytes("t"), p.Stats().HeldBytes)
}
