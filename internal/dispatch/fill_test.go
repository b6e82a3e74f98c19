package dispatch

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
)

// filling is a sender that fills requests which nobody sends, for topics whose partitions always
// have a full batch.
type filling struct {
	*sender
	t *testing.T
}

func newFilling(t *testing.T) *filling {
	c, err := cluster.New(cluster.Config{Name: "main", Seeds: []string{"a:9092"},
		Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(c.Discard)
	core := newTestCore(t, c, zap.NewNop())
	core.link.Refuse(0, cluster.Unnumbered, errors.New("no IDs"))
	core.pass = &pass{Settings: &Settings{BatchBytes: 3 << 10, BufferBytes: 1 << 20},
		now: time.Minute, at: time.Hour}
	return &filling{&sender{core: core, splitter: &splitter{core: core},
		numberer: &numberer{core}}, t}
}

// broker returns a broker that gets requests of three batches.
func (f *filling) broker() *brokerState {
	b := newBrokerState(int32(len(f.brokers)))
	b.usable, b.alone = true, false
	f.brokers[b.ID] = b
	return b
}

// topic adds a topic with a partition at each of the brokers.
func (f *filling) topic(leaderAcks bool, leaders ...*brokerState) {
	name := fmt.Sprint("topic ", len(f.active))
	t, err := newTestLane().Topic(name, 0)
	require.NoError(f.t, err)
	cfg := *t.Config()
	cfg.LeaderAcks = leaderAcks
	ts := &topicState{t: t, cfg: &cfg, name: name, owned: true, count: int32(len(leaders))}
	for id, leader := range leaders {
		ts.add(int32(id), 0, leader)
	}
	f.active = append(f.active, ts)
}

// request fills a request for b, and returns which topics are in it.
func (f *filling) request(b *brokerState) map[string]bool {
	for _, ts := range f.active {
		for _, st := range ts.all {
			r := buffer.Record{Value: make([]byte, 900)}
			require.NoError(f.t, ts.t.Append(&r, buffer.Explicit, st.id, 0))
		}
		ts.survey()
	}
	s, found := f.load(b, cluster.Own), make(map[string]bool)
	require.NotNil(f.t, s)
	for _, it := range s.items {
		found[it.ts.name] = true
		it.stream.flying = nil
		f.tick++
		it.stream.used = f.tick
		it.ts.t.Resolve(it.batch, 0, 0, false)
	}
	return found
}

// A topic with more batches than a request takes would otherwise begin every one.
func TestSender_ATopicThatFillsRequestsLeavesSomeToOthers(t *testing.T) {
	for _, leaderAcks := range []bool{true, false} {
		f := newFilling(t)
		b := f.broker()
		f.topic(true, b, b, b, b, b, b, b, b)
		f.topic(leaderAcks, b, b, b, b, b)
		f.topic(true, b)
		seen := make(map[string]int)
		for range 30 {
			for name := range f.request(b) {
				seen[name]++
			}
		}
		for i := range 3 {
			require.GreaterOrEqual(t, seen[fmt.Sprint("topic ", i)], 9, "of %v", seen)
		}
	}
}

// Requests to two brokers may alternate. What could not go to one of them says nothing about the
// other.
func TestSender_TopicsWithOtherAcksGetTheirTurnAtEachBroker(t *testing.T) {
	f := newFilling(t)
	brokers := []*brokerState{f.broker(), f.broker()}
	f.topic(true, brokers...)
	f.topic(false, brokers...)
	seen := make(map[string]int)
	for i := range 20 {
		for name := range f.request(brokers[i%2]) {
			seen[fmt.Sprint(name, " at ", i%2)]++
		}
	}
	require.Len(t, seen, 4)
	for _, n := range seen {
		require.Equal(t, 5, n, "of %v", seen)
	}
}
