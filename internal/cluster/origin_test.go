package cluster

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/zap"
)

func told(id string) *string { return &id }

func TestOrigin_KnowsAnotherClusterByItsID(t *testing.T) {
	o := newOrigin(&Config{Name: "events"})
	require.False(t, o.known())
	require.NoError(t, o.check(nil))
	require.NoError(t, o.check(told("")))
	require.False(t, o.known(), "who tells none is nobody")
	require.Empty(t, o.answered())
	require.NoError(t, o.check(told("A")))
	require.Equal(t, "A", o.answered())
	require.EqualError(t, o.check(told("B")),
		`another Kafka cluster answers there: its ID is "B", and it was "A": if that is meant, set clusters.events.cluster_id or start anew`)
	require.NoError(t, o.check(told("A")))
	require.NoError(t, o.check(nil), "a broker that tells none may be any")
	o.doubt("B")
	require.Error(t, o.check(told("B")), "told twice, so certain")
	require.Equal(t, "A", o.answered())
}

// A broker that slips at its first answer must not keep the right ones out for ever.
func TestOrigin_AnIDThatWasToldOnceGivesWay(t *testing.T) {
	o := newOrigin(&Config{Name: "events"})
	require.NoError(t, o.check(told("a slip")))
	require.Error(t, o.check(told("A")))
	o.doubt("A")
	require.NoError(t, o.check(told("A")))
	o.doubt("a slip")
	require.NoError(t, o.check(told("A")))
}

func TestOrigin_OfTheSettingsHoldsFromTheFirstAnswer(t *testing.T) {
	o := newOrigin(&Config{Name: "events", ID: "A"})
	require.True(t, o.known())
	require.Empty(t, o.answered(), "nobody has")
	err := o.check(told("B"))
	require.EqualError(t, err,
		`another Kafka cluster answers there: its ID is "B", and clusters.events.cluster_id says "A": correct the one or the other`)
	require.True(t, refused(err), "nobody is let in by knocking more often")
	o.doubt("B")
	require.Error(t, o.check(told("B")))
	require.NoError(t, o.check(told("A")))
}

// movable opens connections to one of several clusters, whatever the address.
func movable(at *atomic.Pointer[string]) DialFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, *at.Load())
	}
}

// The control connection still leads to our cluster, and a new connection of a link to another one:
// what is to be written does not get there. The newest versions of brokers say so themselves; older
// ones are asked who they are.
func TestLink_WritesNothingToAnotherCluster(t *testing.T) {
	for name, opts := range map[string][]kfake.Opt{"asked": {kfake.MaxVersions(kversion.V4_0_0())},
		"by itself": nil} {
		t.Run(name, func(t *testing.T) {
			ours := fake(t, append(opts, kfake.NumBrokers(1), kfake.SeedTopics(1, "a"),
				kfake.ClusterID("ours"))...)
			defer ours.Close()
			theirs := fake(t, append(opts, kfake.NumBrokers(1), kfake.SeedTopics(1, "a"),
				kfake.ClusterID("theirs"))...)
			defer theirs.Close()
			var astray atomic.Int64
			theirs.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
				theirs.KeepControl()
				astray.Add(1)
				return nil, nil, false
			})
			var at atomic.Pointer[string]
			at.Store(told(ours.ListenAddrs()[0]))
			c, err := New(Config{Name: "test", Seeds: ours.ListenAddrs(), ClientID: "test",
				Logger: zap.NewNop(), Dial: movable(&at)})
			require.NoError(t, err)
			c.Start()
			t.Cleanup(c.Close)
			c.Want("a")
			eventually(t, "up", func() bool { return c.Status().State == Up && c.leader("a") >= 0 })
			require.Equal(t, "ours", c.Status().ID)
			l := c.NewLink(func() {})
			defer l.Close()
			attempt := func() *Attempt {
				a := hi(Unnumbered)
				_, _ = l.Produce(t.Context(), 0, l.Prepare([]*Attempt{a}))
				return a
			}
			require.Equal(t, Answered, attempt().Fate)
			at.Store(told(theirs.ListenAddrs()[0]))
			c.common.dials.hangUp(ours.ListenAddrs()[0], false)
			var a *Attempt
			eventually(t, "the refusal", func() bool { // kgo has to notice that it was hung up
				a = attempt()
				return elsewhere(a.Err)
			})
			require.Equal(t, NotSent, a.Fate)
			require.Zero(t, astray.Load())

			c.Failed(0, a.Err)
			// a probe on a connection that is being closed may fail before
			eventually(t, "down for that", func() bool {
				s := c.Status()
				return s.State == Down && strings.Contains(s.Reason, "another Kafka cluster")
			})
			at.Store(told(ours.ListenAddrs()[0]))
			eventually(t, "up again", func() bool { return c.Status().State == Up })
			eventually(t, "an answer", func() bool { return attempt().Fate == Answered })
			require.Zero(t, astray.Load())
		})
	}
}

// With an ID in the settings nothing is believed of another cluster, and it is asked slowly.
func TestCluster_OfTheSettingsIsWaitedFor(t *testing.T) {
	theirs := fake(t, kfake.NumBrokers(1), kfake.ClusterID("theirs"))
	defer theirs.Close()
	var dials atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	c, err := New(Config{Name: "test", Seeds: theirs.ListenAddrs(), ClientID: "test",
		Logger: zap.NewNop(), Dial: dial, ID: "ours"})
	require.NoError(t, err)
	c.Start()
	t.Cleanup(c.Close)
	eventually(t, "down", func() bool { return c.Status().State == Down })
	require.Contains(t, c.Status().Reason,
		`its ID is "theirs", and clusters.test.cluster_id says "ours"`)
	require.Empty(t, c.View().Brokers)
	require.Empty(t, c.Status().ID)
	before, begin := dials.Load(), time.Now()
	eventually(t, "more questions", func() bool { return dials.Load() >= before+4 })
	require.Greater(t, time.Since(begin), 300*time.Millisecond)
}

// kgo takes all brokers for seeds and so does not say whom it means (KIP-1242). What it writes is
// complemented, when the ID is certain.
func TestAddressed_SaysWhichBrokerOfWhichClusterIsMeant(t *testing.T) {
	written := func(version int16) []byte {
		req := kmsg.NewPtrApiVersionsRequest()
		req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = version, "kgo", "1"
		return kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, req, 7)
	}
	const body = 4 + 8 + 2 + len("test") + 1
	got := addressed(written(5), 5, "ours", 3)
	require.EqualValues(t, len(got)-4, binary.BigEndian.Uint32(got))
	require.Equal(t, written(5)[4:body], got[4:body], "the header is the same")
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version = 5
	require.NoError(t, req.ReadFrom(got[body:]))
	require.Equal(t, "kgo", req.ClientSoftwareName)
	require.Equal(t, "ours", *req.ClusterID)
	require.EqualValues(t, 3, req.NodeID)
	require.Equal(t, written(4), addressed(written(4), 4, "ours", 3), "it has no words for it")
	require.Equal(t, written(5), addressed(written(5), 5, "", 3), "not certain")
	require.Equal(t, written(5), addressed(written(5), 5, "ours", seedID(0)), "a seed may be any")
	require.Equal(t, written(5)[:20], addressed(written(5)[:20], 5, "ours", 3))
}

func TestCluster_BrokersAreToldWhomWeMean(t *testing.T) {
	k := fake(t, kfake.NumBrokers(2), kfake.ClusterID("ours"))
	defer k.Close()
	var meant atomic.Int64
	k.ControlKey(int16(kmsg.ApiVersions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if req := r.(*kmsg.ApiVersionsRequest); req.ClusterID != nil && *req.ClusterID == "ours" &&
			req.NodeID >= 0 {
			meant.Add(1)
		}
		return nil, nil, false
	})
	c, _ := start(t, k.ListenAddrs()...)
	eventually(t, "up", func() bool {
		return c.Status().State == Up && c.View().Usable(0) && c.View().Usable(1)
	})
	c.control.dials.hangUp(c.View().Brokers[1].Addr, false) // by now the ID is certain
	eventually(t, "a connection that says so",
		func() bool { c.Failed(1, errNonsense); return meant.Load() > 0 })
}

// kgo does not wait for the answer to a question that is not of the opening, so nobody may read
// then in its place: a connection is proven before it.
func TestGuard_AsksWhoAnswersBeforeTheFirstQuestionAfterTheOpening(t *testing.T) {
	k := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "a"),
		kfake.MaxVersions(kversion.V4_0_0()))
	defer k.Close()
	c, _ := start(t, k.ListenAddrs()...)
	c.Want("a")
	eventually(t, "up", func() bool { return c.Status().State == Up && c.leader("a") >= 0 })
	type asked struct {
		key     kmsg.Key
		version int16
	}
	seen := make(chan asked, 100)
	for _, key := range []kmsg.Key{kmsg.ApiVersions, kmsg.Metadata} {
		k.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			if r.GetVersion() <= whoVersion { // those of the supervisor are newer
				seen <- asked{key, r.GetVersion()}
			}
			return nil, nil, false
		})
	}
	l := c.NewLink(func() {})
	defer l.Close()
	_, err := c.common.ask(t.Context(), 0, c.View().Brokers[0].Addr, new(offersRequest))
	require.NoError(t, err)
	var order []asked
	for len(seen) > 0 {
		// else it is the opening
		if next := <-seen; next.key != kmsg.ApiVersions || next.version == 0 {
			order = append(order, next)
		}
	}
	require.Equal(t, []asked{{kmsg.Metadata, whoVersion}, {kmsg.ApiVersions, 0}}, order)
}
