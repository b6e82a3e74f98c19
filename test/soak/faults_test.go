//go:build soak && unix

package soak

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/test/kafkatest"
)

// injectFaults starts what injects faults until ctx ends: into the brokers, into the network of
// each side, into what the cluster has to administer, and into the process itself. Each goes on by
// itself, so that faults of several kinds meet, and each undoes what it did before the next and in
// the end.
func injectFaults(ctx context.Context, t *testing.T, k *kafkatest.Cluster, v *verdict,
	sides []*side, wg *sync.WaitGroup) {
	b := &brokers{t: lenient{t}, k: k, v: v, rand: draws("brokers")}
	wg.Go(func() { b.inject(ctx) })
	for _, s := range sides {
		wg.Go(func() { s.injectNetwork(ctx, v, draws("network of "+s.name)) })
	}
	c := &chores{admin: k.Admin(t), v: v, sides: sides, rand: draws("chores")}
	wg.Go(func() { c.inject(ctx) })
	wg.Go(func() { injectStarvation(ctx, v, sides, draws("starvation")) })
}

// lenient says what a fault could not do, and does not fail for it: a broker that does not end or
// start in time, on a machine this busy, is a fault too.
type lenient struct{ testing.TB }

func (l lenient) Errorf(format string, args ...any) { say(format, args...) }
func (l lenient) Error(args ...any)                 { say("%v", args) }

// brokers injects into the brokers, mostly into one at a time.
type brokers struct {
	t    lenient
	k    *kafkatest.Cluster
	v    *verdict
	rand *rand.Rand
}

func (b *brokers) inject(ctx context.Context) {
	for pause(ctx, between(b.rand, 2*time.Second, 8*time.Second)) {
		order := b.rand.Perm(3)
		all := b.k.Brokers()
		hit := []*kafkatest.Broker{all[order[0]], all[order[1]], all[order[2]]}
		held := between(b.rand, 500*time.Millisecond, 12*time.Second)
		switch n := b.rand.IntN(20); {
		case n < 5:
			b.down(ctx, "broker killed", held, (*kafkatest.Broker).Kill, hit[:1])
		case n < 9:
			b.down(ctx, "broker stopped", held, (*kafkatest.Broker).Stop, hit[:1])
		case n < 15:
			b.paused(ctx, held, hit[:1])
		case n < 16:
			b.down(ctx, "two brokers killed", held, (*kafkatest.Broker).Kill, hit[:2])
		case n < 17:
			b.paused(ctx, held, hit[:2])
		case n < 18:
			b.down(ctx, "all brokers killed", held, (*kafkatest.Broker).Kill, hit)
		default:
			for _, one := range hit {
				b.down(ctx, "broker restarted in turn", 0, (*kafkatest.Broker).Stop,
					[]*kafkatest.Broker{one})
			}
		}
	}
}

func (b *brokers) down(ctx context.Context, kind string, held time.Duration,
	end func(*kafkatest.Broker, testing.TB), hit []*kafkatest.Broker) {
	b.v.bit(kind, "%v for %v", ids(hit), held.Round(time.Millisecond))
	var ending sync.WaitGroup
	for _, one := range hit {
		ending.Go(func() { end(one, b.t) })
	}
	ending.Wait()
	pause(ctx, held)
	b.up(hit)
}

// up starts brokers together, for alone they may have no majority, and waits for them however long
// that takes.
func (b *brokers) up(hit []*kafkatest.Broker) {
	for range 5 {
		for _, one := range hit {
			if one.PID() == 0 {
				one.StartAsync(b.t)
			}
		}
		well := &outcome{lenient: b.t}
		for _, one := range hit {
			one.Await(well)
		}
		if !well.failed {
			return
		}
		for _, one := range hit {
			one.Kill(b.t)
		}
	}
	b.v.violated("the brokers %v do not come back: the soak is worth nothing from here", ids(hit))
}

// outcome remembers a failure.
type outcome struct {
	lenient
	failed bool
}

func (o *outcome) Errorf(format string, args ...any) {
	o.failed = true
	o.lenient.Errorf(format, args...)
}

func (b *brokers) paused(ctx context.Context, held time.Duration, hit []*kafkatest.Broker) {
	kind := "broker paused"
	if len(hit) > 1 {
		kind = "two brokers paused"
	}
	b.v.bit(kind, "%v for %v", ids(hit), held.Round(time.Millisecond))
	for _, one := range hit {
		one.Pause(b.t)
	}
	pause(ctx, held)
	for _, one := range hit {
		one.Resume(b.t)
	}
	b.up(hit)
}

func ids(brokers []*kafkatest.Broker) (ids []int32) {
	for _, b := range brokers {
		ids = append(ids, b.NodeID())
	}
	return ids
}

// injectNetwork injects into the network between a producer and all brokers.
func (s *side) injectNetwork(ctx context.Context, v *verdict, r *rand.Rand) {
	defer s.link.Restore()
	defer s.link.CutAfterWrites(0)
	for pause(ctx, between(r, 3*time.Second, 20*time.Second)) {
		held := between(r, 100*time.Millisecond, 5*time.Second)
		cuts, dials, kind := s.link.Cuts(), s.link.Dials(), ""
		switch r.IntN(4) {
		case 0:
			kind = "network cut"
			s.link.Cut()
			pause(ctx, held)
		case 1:
			kind = "network is a black hole"
			s.link.Hole()
			pause(ctx, held)
		case 2:
			kind = "connections reset"
			s.link.Reset()
		case 3:
			kind = "connections cut after a write"
			s.link.CutAfterWrites(1 + r.Int64N(20))
			pause(ctx, held)
			s.link.CutAfterWrites(0)
		}
		cuts, dials = s.link.Cuts()-cuts, s.link.Dials()-dials
		if cuts+dials > 0 {
			v.bit(kind, "%s, %v at most, %d connections and %d dials", s.name,
				held.Round(time.Millisecond), cuts, dials)
		}
		s.link.Restore()
	}
}

// chores injects what administrators do.
type chores struct {
	admin *kadm.Client
	v     *verdict
	sides []*side
	rand  *rand.Rand
}

func (c *chores) inject(ctx context.Context) {
	for pause(ctx, between(c.rand, 2*time.Second, 10*time.Second)) {
		s := pick(c.rand, c.sides...)
		switch n := c.rand.IntN(12); {
		case n < 9:
			c.moveLeader(ctx, pick(c.rand, s.topics...).name, c.rand.Uint32())
		case n < 10:
			c.grow(ctx, s.topics[len(s.topics)-1].name)
		default:
			c.throttle(ctx, s.name, s.bytesPerBroker()*(0.5+2*c.rand.Float64()),
				between(c.rand, time.Second, 8*time.Second))
		}
	}
}

// moveLeader makes another replica of a partition the preferred leader, and has it elected.
func (c *chores) moveLeader(ctx context.Context, topic string, draw uint32) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	topics, err := c.admin.ListTopics(ctx, topic)
	if err != nil || len(topics[topic].Partitions) == 0 {
		return // nobody answers
	}
	p := topics[topic].Partitions.Sorted()[int(draw)%len(topics[topic].Partitions)]
	replicas := append(slices.Clone(p.Replicas[1:]), p.Replicas[0])
	var assign kadm.AlterPartitionAssignmentsReq
	assign.Assign(topic, p.Partition, replicas)
	if moved, err := c.admin.AlterPartitionAssignments(ctx, assign); err != nil ||
		moved.Error() != nil {
		return
	}
	var which kadm.TopicsSet
	which.Add(topic, p.Partition)
	elected, err := c.admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, which)
	if err == nil && elected[topic][p.Partition].Err == nil {
		c.v.bit("leader moved", "%s/%d from %d to %d", topic, p.Partition, p.Leader, replicas[0])
	}
}

// grow adds a partition, up to twelve.
func (c *chores) grow(ctx context.Context, topic string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	topics, err := c.admin.ListTopics(ctx, topic)
	if n := len(topics[topic].Partitions); err == nil && n > 0 && n < 12 {
		if grown, err := c.admin.UpdatePartitions(ctx, n+1, topic); err == nil &&
			grown.Error() == nil {
			c.v.bit("partition added", "%s has %d", topic, n+1)
		}
	}
}

// throttle gives a producer a quota for a while. Kafka answers one of a tenth of the load with
// throttles of minutes, which outlast the quota and leave nothing to judge.
func (c *chores) throttle(ctx context.Context, side string, bytes float64, held time.Duration) {
	client := "soak-" + side
	set := func(ctx context.Context, remove bool) bool {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		altered, err := c.admin.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{
			Entity: kadm.ClientQuotaEntity{{Type: "client-id", Name: &client}},
			Ops: []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: bytes,
				Remove: remove}},
		}})
		return err == nil && len(altered) == 1 && altered[0].Err == nil
	}
	if !set(ctx, false) {
		return
	}
	c.v.bit("quota", "%s may send %.0f bytes a second for %v", client, bytes,
		held.Round(time.Millisecond))
	pause(ctx, held)
	for !set(context.WithoutCancel(ctx), true) {
		time.Sleep(100 * time.Millisecond)
	}
}

// injectStarvation takes processors from the process, collects garbage all the time, and blocks
// callbacks.
func injectStarvation(ctx context.Context, v *verdict, sides []*side, r *rand.Rand) {
	for pause(ctx, between(r, 5*time.Second, 25*time.Second)) {
		held := between(r, time.Second, 5*time.Second)
		switch r.IntN(3) {
		case 0:
			v.bit("one processor", "for %v", held.Round(time.Millisecond))
			before := runtime.GOMAXPROCS(1)
			pause(ctx, held)
			runtime.GOMAXPROCS(before)
		case 1:
			v.bit("garbage collected all the time", "for %v", held.Round(time.Millisecond))
			for end := time.Now().Add(held); time.Now().Before(end); {
				runtime.GC()
			}
		case 2:
			s := pick(r, sides...)
			v.bit("callback blocked", "%s for %v", s.name, held.Round(time.Millisecond))
			s.blocked.Store(time.Now().Add(held).UnixNano())
			pause(ctx, held)
			s.blocked.Store(0)
		}
	}
}
