//go:build synctests

package producer_test

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestVirtual_SamplesAreOfTheLastHourWhoeverLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{"main": {Brokers: []string{"127.0.0.1:1"}}}},
			producer.WithDialer(func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp",
					Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}))
		require.NoError(t, err)
		defer func() { _, _ = p.Close(t.Context()) }()
		send := func(priority routing.Priority) {
			require.NoError(t, p.Send(producer.Record{Topic: "events", Priority: priority,
				Value: make([]byte, 1000)}))
		}
		synctest.Wait()
		require.Len(t, p.Samples(), 1, "one at the start, to compare with")
		send(routing.Low)
		send(routing.High)
		require.Error(t, p.Send(producer.Record{Topic: "events", Value: make([]byte, 2_000_000)}))
		time.Sleep(time.Minute)
		synctest.Wait()
		all := p.Samples()
		require.Len(t, all, 7)
		require.Zero(t, all[0].Accepted)
		last := all[6]
		require.EqualValues(t, 2, last.Accepted)
		require.EqualValues(t, []uint64{1, 0, 1}, []uint64{last.Low, last.Medium, last.High})
		require.EqualValues(t, 1, last.Refused)
		require.Zero(t, last.Lost)
		require.Greater(t, last.HeldBytes, int64(2000))
		require.Equal(t, time.Minute, last.At.Sub(all[0].At))

		time.Sleep(3 * time.Hour)
		synctest.Wait()
		all = p.Samples()
		require.Len(t, all, 361)
		require.Equal(t, time.Hour, all[360].At.Sub(all[0].At))
		require.Equal(t, 0*time.Second, time.Since(all[360].At))
		require.EqualValues(t, 2, all[360].Lost, "both have expired")
		require.LessOrEqual(t, len(all)*int(unsafe.Sizeof(all[0])), 90_000,
			"as the documentation says")
		all[0] = producer.Sample{}
		require.NotZero(t, p.Samples()[0].At, "the caller owns what it got")
	})
}
