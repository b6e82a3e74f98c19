//go:build synctests

package producer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/producer"
)

// At the deadline of Close all that waits gets its outcome at once. The application is told of each
// record, for this is its last chance to keep it elsewhere, and the log says how many were lost,
// for Close's error is often ignored.
func TestVirtual_F17_CloseTellsAllThatItGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		defer k.Close()
		k.link.Cut()
		cfg := k.config()
		cfg.Buffer.MaxBytes = 8 << 20
		logs, lines := observer.New(zap.WarnLevel)
		var returned uint64
		p, err := producer.New(cfg, producer.WithDialer(k.link.Dial),
			producer.WithLogger(zap.New(logs)),
			producer.WithDelivery(func(r producer.Report) {
				if rec, ok := r.Returned(); ok && len(rec.Value) == 1000 {
					returned++
				}
			}))
		require.NoError(t, err)
		accepted := uint64(0)
		for err == nil {
			if err = p.Send(producer.Record{Topic: "events",
				Value: make([]byte, 1000)}); err == nil {
				accepted++
			}
		}
		require.ErrorIs(t, err, producer.ErrBufferFull)
		time.Sleep(time.Second)

		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s, err := p.Close(ctx)
		require.ErrorIs(t, err, producer.ErrLeft)
		require.Equal(t, accepted, s.Left)
		require.Equal(t, accepted, returned)
		require.Zero(t, p.Stats().ReportsDropped)

		lost := lines.FilterMessage("records were lost or refused").All()
		require.NotEmpty(t, lost)
		require.Equal(t, map[string]any{"closed": accepted},
			lost[len(lost)-1].ContextMap()["medium"])
	})
}
