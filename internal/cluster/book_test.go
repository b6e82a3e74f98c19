package cluster

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/hostile"
)

// kgo learns brokers by itself, too: what it learns wrong then must not stay wrong. Random sieges found it: a cluster that was up, and
// nothing delivered for ever.
func TestBook_FollowsWhatKgoLearnsByItself(t *testing.T) {
	k := fake(t, kfake.NumBrokers(2))
	defer k.Close()
	middle := hostile.New(new(net.Dialer).DialContext, 1)
	last := &lastAddr{at: make(map[int]string)}
	cfg := &Config{Name: "test", Seeds: k.ListenAddrs(), ClientID: "test", AcksAll: true, Dial: middle.Dial, Options: []kgo.Opt{kgo.WithHooks(last)}}
	b, err := newBook(cfg, newOrigin(cfg))
	require.NoError(t, err)
	defer middle.Wait()
	defer b.cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	ask := func(node int) error {
		_, err := b.ask(ctx, int32(node), k.ListenAddrs()[node], metadataRequest(nil))
		return err
	}
	require.NoError(t, ask(0))

	all := hostile.All()
	swapped := slices.IndexFunc(all, func(m hostile.Mutation) bool { return m.Name == "brokers at each other's addresses" })
	middle.Turn(100, all[swapped])
	_, err = b.cl.Request(ctx, metadataRequest(nil)) // as kgo does for a broker that it does not know
	require.NoError(t, err)
	require.Positive(t, middle.Served()[all[swapped].Name])
	middle.Sane()

	for node := range 2 {
		_ = ask(node) // it cannot be known yet
	}
	for node, addr := range k.ListenAddrs() {
		require.NoError(t, ask(node))
		require.Equal(t, addr, last.of(node))
	}
}

// lastAddr remembers where kgo last opened a connection to each broker.
type lastAddr struct {
	mu sync.Mutex // guards what follows
	at map[int]string
}

func (l *lastAddr) OnBrokerConnect(to kgo.BrokerMetadata, _ time.Duration, _ net.Conn, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at[int(to.NodeID)] = net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port)))
}

func (l *lastAddr) of(node int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[node]
}
