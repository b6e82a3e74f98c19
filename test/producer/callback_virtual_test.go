//go:build synctests

package producer_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// Close waits for callbacks. One that calls it would wait for itself, for ever where its context
// has no deadline.
func TestVirtual_F16_ACallbackThatCallsCloseIsToldSoAtOnce(t *testing.T) {
	for name, option := range map[string]func(call func()) producer.Option{
		"a delivery callback": func(call func()) producer.Option {
			return producer.WithDelivery(func(producer.Report) { call() })
		},
		"the callback for events": func(call func()) producer.Option {
			return producer.WithEvents(func(producer.Event) { call() })
		},
		"the logger": func(call func()) producer.Option {
			return producer.WithLogger(zap.NewExample(zap.Hooks(func(zapcore.Entry) error { call(); return nil })))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F16", "F17")
				k := newEmbedded(t, 1, map[string]int32{"events": 1})
				defer k.Close()
				var p *producer.Producer
				var once sync.Once
				ready, called := make(chan struct{}), 0
				p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial), option(func() {
					<-ready
					once.Do(func() {
						called++
						require.NoError(t, p.Flush(context.Background()))
						begin := time.Now()
						_, err := p.Close(context.Background())
						require.ErrorIs(t, err, producer.ErrInCallback)
						require.ErrorContains(t, err, "close: called by "+name+": ")
						require.Zero(t, time.Since(begin))
						require.NoError(t, p.Send(producer.Record{Topic: "events"}),
							"nothing was closed")
					})
				}))
				require.NoError(t, err)
				close(ready)
				require.NoError(t, p.Send(producer.Record{Topic: "events"}))
				time.Sleep(time.Second)
				s, err := p.Close(context.Background())
				require.NoError(t, err)
				require.Equal(t, 1, called)
				require.EqualValues(t, 2, s.Delivered)
				c.Bit("calls of Close in a callback", 1)
			})
		})
	}
}

// What a callback begins is not the callback, and one producer's may close another.
func TestVirtual_F16_ACallbackMayHaveCloseCalledElsewhereAndCloseAnotherProducer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F16", "F17")
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		defer k.Close()
		other, err := producer.New(k.config(), producer.WithDialer(k.link.Dial),
			producer.WithDelivery(func(producer.Report) {}))
		require.NoError(t, err)
		require.NoError(t, other.Send(producer.Record{Topic: "events"}))
		closed := make(chan error, 2)
		ready := make(chan struct{})
		var p *producer.Producer
		p, err = producer.New(k.config(), producer.WithDialer(k.link.Dial),
			producer.WithDelivery(func(producer.Report) {
				<-ready
				_, err := other.Close(context.Background())
				closed <- err
				go func() {
					_, err := p.Close(context.Background())
					closed <- err
				}()
			}))
		require.NoError(t, err)
		close(ready)
		require.NoError(t, p.Send(producer.Record{Topic: "events"}))
		require.NoError(t, <-closed)
		require.NoError(t, <-closed)
		require.ErrorIs(t, p.Send(producer.Record{Topic: "events"}), producer.ErrClosed)
		require.EqualValues(t, 1, p.Stats().Total.Delivered)
		c.Bit("calls of Close by what a callback has begun", 1)
	})
}
