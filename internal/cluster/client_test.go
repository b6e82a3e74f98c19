package cluster

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kgo learns brokers by itself, too: what it learns wrong then must not stay wrong. Random sieges
// found it: a cluster that was up, and nothing delivered for ever.
func TestClient_FollowsWhatKgoLearnsByItself(t *testing.T) {
	k := fake(t, kfake.NumBrokers(2))
	defer k.Close()
	var lying atomic.Bool
	var lies atomic.Int64
	k.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if !lying.Load() {
			return nil, nil, false
		}
		lies.Add(1)
		resp := r.ResponseKind().(*kmsg.MetadataResponse)
		for node, addr := range k.ListenAddrs() { // brokers at each other's addresses
			b := kmsg.NewMetadataResponseBroker()
			b.NodeID = int32(1 - node)
			_, err := fmt.Sscanf(strings.Replace(addr, ":", " ", 1), "%s %d", &b.Host, &b.Port)
			require.NoError(t, err)
			resp.Brokers = append(resp.Brokers, b)
		}
		return resp, nil, true
	})
	last := new(lastAddr)
	cfg := &Config{Name: "test", Seeds: k.ListenAddrs(), ClientID: "test",
		Dial: last.dial(new(net.Dialer).DialContext)}
	b, err := newClient(cfg, newOrigin(cfg), new(connections), nil)
	require.NoError(t, err)
	defer b.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	ask := func(node int) error {
		_, err := b.ask(ctx, int32(node), k.ListenAddrs()[node], metadataRequest(nil))
		return err
	}
	require.NoError(t, ask(0))

	lying.Store(true)
	require.Eventually(t, func() bool { // most of its seeds are nobody
		// as kgo does for a broker that it does not know
		_, err = b.kgos[0].Request(ctx, metadataRequest(nil))
		return err == nil
	}, time.Minute, time.Millisecond)
	require.Positive(t, lies.Load())
	lying.Store(false)

	for node, addr := range k.ListenAddrs() {
		b.dials.hangUp(addr, false)
		require.Eventually(t, func() bool { return ask(node) == nil }, time.Minute,
			time.Millisecond, "kgo has to notice that it was hung up")
		require.Equal(t, addr, last.of())
	}
}

// A place is given to another broker when nobody asks for its own any more, and every broker that
// is asked has one.
func TestClient_HasAPlaceForEachBrokerThatIsAsked(t *testing.T) {
	k := fake(t, kfake.NumBrokers(1))
	defer k.Close()
	addr := k.ListenAddrs()[0]
	var mu sync.Mutex
	dialled := make(map[string]bool)
	dial := func(ctx context.Context, network, name string) (net.Conn, error) {
		mu.Lock()
		dialled[name] = true
		mu.Unlock()
		if strings.HasPrefix(name, "gone") {
			return nil, syscall.ECONNREFUSED
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	cfg := &Config{Name: "test", Seeds: k.ListenAddrs(), ClientID: "test",
		Dial: dial}
	b, err := newClient(cfg, newOrigin(cfg), new(connections), nil)
	require.NoError(t, err)
	defer b.close()
	const brokers = 3 * firstPlaces
	for i := range int32(brokers) {
		_, err := b.ask(t.Context(), i, fmt.Sprintf("there-%d:9092", i), metadataRequest(nil))
		require.NoError(t, err)
	}
	require.Len(t, dialled, brokers)
	require.Len(t, b.taken, brokers)
	require.Len(t, b.places, 4*firstPlaces)
	for _, p := range b.places {
		p.used = p.used.Add(-2 * placeIdle)
	}
	for i := range int32(brokers) {
		_, err := b.ask(t.Context(), i, fmt.Sprintf("moved-%d:9092", i), metadataRequest(nil))
		require.NoError(t, err)
	}
	require.Len(t, dialled, 2*brokers)
	require.Len(t, b.places, 4*firstPlaces, "places of those who have moved are used again")
	for i := range int32(10 * brokers) {
		_, err := b.ask(t.Context(), i, fmt.Sprintf("gone-%d:9092", i), metadataRequest(nil))
		require.Error(t, err)
	}
	require.LessOrEqual(t, len(b.places), 4*firstPlaces, "who was never reached keeps no place")
	_, err = b.ask(t.Context(), 1, "", metadataRequest(nil))
	require.ErrorContains(t, err, "has left the cluster")
}

// lastAddr remembers which address was dialled last.
type lastAddr struct {
	mu   sync.Mutex // guards what follows
	addr string
}

func (l *lastAddr) dial(inner DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		l.mu.Lock()
		l.addr = addr
		l.mu.Unlock()
		return inner(ctx, network, addr)
	}
}

func (l *lastAddr) of() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addr
}
