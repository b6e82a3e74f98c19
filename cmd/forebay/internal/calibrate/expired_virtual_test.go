//go:build synctests

package calibrate

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/producer"
)

// In an outage that is longer than the delivery timeout, and fills the buffer, a producer loses as
// many records to the timeout and to the bound of the buffer as the plan says.
func TestVirtual_Outage_LosesTheRecordsOfThePlan(t *testing.T) {
	f, err := fleet.Parse("f", []byte("{instances: 1, brokers: 1, outage: 25m, "+
		"settings: {buffer_bytes: 4MiB, batch_bytes: 50kB}, "+
		"topics: [{records_per_second: 10, record_bytes: 991}]}"))
	require.NoError(t, err)
	planned := fleet.Make(f, fleet.Measured()).Outage.Lanes[0]
	synctest.Test(t, func(t *testing.T) {
		p, err := producer.New(producer.Config{
			Clusters: map[string]producer.ClusterConfig{"away": {Brokers: []string{"10.0.0.1:1"}}},
			Buffer:   producer.BufferConfig{MaxBytes: 4 << 20},
			Batching: producer.BatchingConfig{MaxBytes: 50_000},
		}, producer.WithDialer(func(context.Context, string, string) (net.Conn, error) {
			return nil, syscall.ECONNREFUSED
		}))
		require.NoError(t, err)
		defer func() { _, _ = p.Close(canceled(t)) }()
		for range 25 * 60 * 10 {
			err := p.Send(producer.Record{Topic: "t", Value: make([]byte, 991)})
			require.True(t, err == nil || errors.Is(err, producer.ErrBufferFull), err)
			time.Sleep(100 * time.Millisecond)
		}
		books := p.Stats().Topics[0].Books
		t.Logf("expired %d, planned %.0f; refused %d, planned %.0f; pending %d, planned %.0f",
			books.Expired, planned.Expired, books.Refused+books.Shed, planned.NoRoom,
			books.Pending, 10*planned.KeptSeconds)
		require.InEpsilon(t, planned.Expired, float64(books.Expired), 0.1)
		require.InEpsilon(t, planned.NoRoom, float64(books.Refused+books.Shed), 0.1)
	})
}
