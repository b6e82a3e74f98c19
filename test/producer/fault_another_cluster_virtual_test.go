//go:build synctests

package producer_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// The names of brokers lead to another Kafka, which has the same topics and calls its brokers by
// the same numbers and names.

// strayed is the time for a name to be looked up anew and asked, at the pace of those who were
// refused.
const strayed = soon + probeMax

// misled is a cluster whose name may lead to another one. The newest brokers say themselves that
// they are not meant (KIP-1242).
type misled struct {
	*resolver
	other *embedded
}

// theirs and ours make the name lead there.
func (m *misled) theirs() { m.set(func() { m.addresses = []string{"10.0.0.2"} }) }
func (m *misled) ours()   { m.set(func() { m.addresses = []string{"10.0.0.1"} }) }

// requireUntouched fails t if the other cluster has got a record.
func (m *misled) requireUntouched(t *testing.T) {
	t.Helper()
	for _, topic := range []string{"events", "keyed"} {
		for _, p := range m.other.PartitionInfos(topic) {
			require.Zero(t, p.HighWatermark, "records went astray, to %s[%d]", topic, p.Partition)
		}
	}
}

// eachAge runs a load on brokers of two ages, with a cluster whose name may lead to another one.
// It leads there from the start where the settings are changed.
func eachAge(t *testing.T, change func(*producer.Config), load func(b *bubble, m *misled)) {
	for age, opts := range map[string][]kfake.Opt{
		"Kafka 4.0": {kfake.MaxVersions(kversion.V4_0_0())}, "KIP-1242": nil} {
		t.Run(age, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topics := map[string]int32{"events": 3, "keyed": 5}
				m := &misled{resolver: new(resolver),
					other: newEmbedded(t, 2, topics, append(opts, kfake.ClusterID("theirs"))...)}
				defer m.other.Close()
				s := resolving(m.resolver, func() {
					m.hosts["10.0.0.2"] = m.other.network.DialContext
					if change != nil {
						m.theirs()
					}
				})
				s.topics, s.kafka, s.change = topics, append(opts, kfake.ClusterID("ours")), change
				stats := judged(t, proof.Of(t, "F13"), s, func(b *bubble) { load(b, m) })
				m.requireUntouched(t)
				require.Equal(t, stats.Total.Accepted, stats.Total.Delivered)
				require.Zero(t, stats.Total.MaybeDuplicated)
			})
		})
	}
}

func TestVirtual_F13_NothingGoesToAnotherClusterUnderTheName(t *testing.T) {
	eachAge(t, nil, func(b *bubble, m *misled) {
		b.stream(10*time.Second, 5, "events", "keyed")
		require.Equal(t, "ours", b.p.Stats().Clusters["events"].ID)
		for range 3 {
			m.theirs()
			b.stream(31*time.Second, 5, "events", "keyed") // connections that work are kept
			require.Equal(t, producer.Up, b.p.Stats().Clusters["events"].State)
			b.rest()
			delivered, dials := b.p.Stats().Total.Delivered, b.k.link.Dials()
			b.k.link.Reset()
			b.stream(2*time.Minute, 2, "events", "keyed")
			c := b.p.Stats().Clusters["events"]
			require.Equal(t, producer.Down, c.State)
			require.Equal(t, "ours", c.ID)
			require.Contains(t, c.Reason,
				`another Kafka cluster answers there: its ID is "theirs", and it was "ours": if that is meant, set clusters.events.cluster_id`)
			require.LessOrEqual(t, b.p.Stats().Total.Delivered, delivered+20,
				"what was unanswered by chance")
			dials = b.k.link.Dials() - dials
			require.LessOrEqual(t, dials, int64(2*2*120), "two a second for each broker")
			b.proof.Bit("connections to another cluster", dials)
			m.ours()
			b.goesOn(strayed)
			b.stream(5*time.Second, 5, "events", "keyed")
		}
	})
}

// Here only connections that something is written to end: those that ask for metadata still lead to
// the right cluster.
func TestVirtual_F13_ANewConnectionIsAskedBeforeRecordsAreWrittenToIt(t *testing.T) {
	eachAge(t, nil, func(b *bubble, m *misled) {
		b.stream(10*time.Second, 5, "events", "keyed")
		for range 5 {
			m.theirs()
			b.stream(31*time.Second, 5, "events", "keyed")
			b.k.link.CutAfterWrites(3) // so something is unanswered, too
			b.stream(5*time.Second, 5, "events", "keyed")
			b.k.link.CutAfterWrites(0)
			m.requireUntouched(t)
			m.ours()
			b.send("events", 1)
			b.goesOn(strayed)
			b.stream(5*time.Second, 5, "events", "keyed")
		}
		b.proof.Bit("connections cut right after a write", b.k.link.Cuts())
	})
}

// Of the two addresses of the name one leads to another cluster.
func TestVirtual_F13_TheAddressThatLeadsToTheRightClusterIsFound(t *testing.T) {
	eachAge(t, nil, func(b *bubble, m *misled) {
		for range 5 { // addresses are tried in any order
			b.stream(10*time.Second, 5, "events", "keyed")
			m.set(func() { m.addresses = []string{"10.0.0.2"} })
			b.stream(31*time.Second, 1, "events", "keyed")
			b.k.link.Reset()
			b.stream(31*time.Second, 1, "events", "keyed")
			m.set(func() { m.addresses = []string{"10.0.0.2", "10.0.0.1"} })
			b.goesOn(strayed)
			b.proof.Bit("addresses that led to another cluster", 1)
		}
	})
}

// The settings say which cluster it has to be. The first answer is another one's, and so are all
// for an hour.
func TestVirtual_F13_AnotherClusterThanTheSettingsSayIsNotWrittenToAtAll(t *testing.T) {
	eachAge(t, func(c *producer.Config) {
		cc := c.Clusters["events"]
		cc.ClusterID = "ours"
		c.Clusters["events"] = cc
		c.Priorities.Medium.DeliveryTimeout = 2 * time.Hour
	}, func(b *bubble, m *misled) {
		for range 60 {
			b.send("events", 3)
			b.send("keyed", 3)
			time.Sleep(time.Minute)
		}
		c := b.p.Stats().Clusters["events"]
		require.Equal(t, producer.Down, c.State, "somebody has answered")
		require.Contains(t, c.Reason,
			`its ID is "theirs", and clusters.events.cluster_id says "ours"`)
		require.Empty(t, c.ID)
		b.proof.Bit("connections to another cluster", b.k.link.Dials())
		m.ours()
		b.goesOn(strayed)
		require.Equal(t, "ours", b.p.Stats().Clusters["events"].ID)
	})
}

// Old brokers say that whoever asks them is to begin anew with the seeds (KIP-1102), whose name
// leads to new brokers by then: of the same cluster, and then of another one, which must not be
// written to.
func TestVirtual_F13_WhoIsToldToBeginAnewFindsTheNewBrokers(t *testing.T) {
	for name, id := range map[string]string{"the same cluster": "ours", "another": "theirs"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topics := map[string]int32{"events": 3, "keyed": 5}
				network := new(kfake.VirtualNetwork)
				other, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.Ports(29092, 29093),
					kfake.ListenFn(network.Listen), kfake.ClusterID(id))
				require.NoError(t, err)
				defer other.Close()
				for topic, partitions := range topics {
					require.NoError(t, other.CreateTopic(topic, partitions, nil))
				}
				var moved atomic.Bool
				there := func() (n int64) {
					for topic := range topics {
						for _, p := range other.PartitionInfos(topic) {
							n += p.HighWatermark
						}
					}
					return n
				}
				k := newEmbedded(t, 2, topics, kfake.ClusterID("ours"))
				defer k.Close()
				k.ControlKey(int16(kmsg.Metadata),
					func(req kmsg.Request) (kmsg.Response, error, bool) {
						k.KeepControl()
						if !moved.Load() {
							return nil, nil, false
						}
						resp := req.ResponseKind().(*kmsg.MetadataResponse)
						resp.ErrorCode = kerr.RebootstrapRequired.Code
						return resp, nil, true
					})
				cfg := k.config()
				cfg.Clusters["events"] = producer.ClusterConfig{Brokers: []string{"seed:9092"}}
				dial := func(ctx context.Context, proto, addr string) (net.Conn, error) {
					switch {
					case addr == "seed:9092" && moved.Load():
						return network.DialContext(ctx, proto, other.ListenAddrs()[0])
					case addr == "seed:9092":
						addr = k.ListenAddrs()[0]
					case strings.HasSuffix(addr, ":29092"), strings.HasSuffix(addr, ":29093"):
						return network.DialContext(ctx, proto, addr)
					}
					return k.network.DialContext(ctx, proto, addr)
				}
				p, err := producer.New(cfg, producer.WithDialer(dial))
				require.NoError(t, err)
				defer closeWithin(t, p, 0)
				send := func(seconds int) {
					for range seconds * 10 {
						require.NoError(t, p.Send(producer.Record{Topic: "events",
							Value: make([]byte, 20)}))
						require.NoError(t, p.Send(producer.Record{Topic: "keyed", Key: []byte("k"),
							Value: make([]byte, 20)}))
						time.Sleep(100 * time.Millisecond)
					}
				}
				send(10)
				require.EqualValues(t, 200, p.Stats().Total.Delivered)
				moved.Store(true)
				send(60)
				c := p.Stats().Clusters["events"]
				if id == "ours" {
					require.Equal(t, producer.Up, c.State)
					require.Less(t, p.Stats().Total.Pending, uint64(10))
					require.Greater(t, there(), int64(1000), "it took its time")
					return
				}
				require.Equal(t, producer.Down, c.State)
				require.Zero(t, there())
			})
		})
	}
}
