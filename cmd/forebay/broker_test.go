package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const topic = "lines"

// fake is a broker in this process, with a topic of three partitions.
type fake struct {
	*kfake.Cluster
	addr string
}

func newFake(t *testing.T, opts ...kfake.Opt) *fake {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(3, topic)},
		opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &fake{c, c.ListenAddrs()[0]}
}

// hold makes the broker answer the first produce request only after release. arrived gets one value
// when that request has come.
func (f *fake) hold() (arrived <-chan struct{}, release func()) {
	came, open := make(chan struct{}, 1), make(chan struct{})
	f.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.DropControl()
		came <- struct{}{}
		f.SleepControl(func() { <-open })
		return nil, nil, false
	})
	return came, func() { close(open) }
}

// swallow makes the broker answer no produce request. arrived gets one value when the first has
// come. A hold without release would not do: a fake that is closed while it sleeps leaks
// goroutines.
func (f *fake) swallow() (arrived <-chan struct{}) {
	came := make(chan struct{}, 1)
	f.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		select {
		case came <- struct{}{}:
		default:
		}
		return nil, nil, true
	})
	return came
}

// read returns all records of the topic, by partition and offset.
func (f *fake) read(t *testing.T) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(f.addr), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	require.NoError(t, err)
	var want int64
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	var all []*kgo.Record
	for int64(len(all)) < want {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		all = append(all, fetches.Records()...)
	}
	slices.SortFunc(all, func(a, b *kgo.Record) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(a.Offset - b.Offset)
	})
	return all
}

// values returns the values of records, sorted.
func values(records []*kgo.Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Value))
	}
	slices.Sort(all)
	return all
}

// freePort returns a port that nobody listens on. It is below the ports of outgoing connections: a
// client that keeps dialling one of those may get it itself.
func freePort(t *testing.T) int {
	t.Helper()
	for {
		port := 20000 + rand.IntN(10000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
}
