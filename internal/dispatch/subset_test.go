package dispatch

import (
	"hash/maphash"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/partitioner"
)

// placed returns the brokers of a cluster as one of the producers of a fleet sees them.
func placed(rack string, racks ...string) *placement {
	pl := &placement{core: &core{engine: &Engine{seed: maphash.MakeSeed()},
		cluster: &Site{}, view: &cluster.View{Brokers: make(map[int32]cluster.Broker)},
		pass:    &pass{Settings: &Settings{Rack: rack}},
		brokers: make(map[int32]*brokerState)}}
	for i, r := range racks {
		b := newBrokerState(int32(i))
		b.usable, b.rack = true, r
		pl.brokers[b.ID] = b
		pl.view.Brokers[b.ID] = cluster.Broker{Rack: r}
	}
	pl.rank()
	return pl
}

// first returns the brokers that records keep to.
func (pl *placement) first() map[int32]bool {
	chosen := make(map[int32]bool)
	for id, b := range pl.brokers {
		if b.rank < pl.kept {
			chosen[id] = true
		}
	}
	return chosen
}

func inZones(n int, zones ...string) (racks []string) {
	for i := range n {
		racks = append(racks, zones[i%len(zones)])
	}
	return racks
}

func TestSubset_AFleetSpreadsEvenly(t *testing.T) {
	const producers, brokers = 2000, 100
	uses := make(map[int32]int)
	for range producers {
		chosen := placed("", inZones(brokers, "")...).first()
		require.Len(t, chosen, fewBrokers)
		for id := range chosen {
			uses[id]++
		}
	}
	const fair = producers * fewBrokers / brokers // 160, and a standard deviation of 12
	for id, n := range uses {
		require.InDelta(t, fair, n, fair/2, "broker %d", id)
	}
}

func TestSubset_OwnZoneFirstAndOthersWhereItIsSmall(t *testing.T) {
	pl := placed("a", inZones(30, "a", "b", "c")...)
	for id := range pl.first() {
		require.Equal(t, "a", pl.brokers[id].rack)
	}
	pl = placed("a", append(inZones(3, "a"), inZones(20, "b")...)...)
	near := 0
	for id := range pl.first() {
		if pl.brokers[id].rack == "a" {
			near++
		}
	}
	require.Equal(t, 3, near)
}

func TestSubset_ABrokerThatGoesIsReplacedAndNothingElseChanges(t *testing.T) {
	pl := placed("", inZones(40, "")...)
	before := pl.first()
	for id := range before {
		pl.brokers[id].usable = false
		pl.rank()
		after := pl.first()
		require.NotContains(t, after, id)
		same := 0
		for other := range after {
			if before[other] {
				same++
			}
		}
		require.Equal(t, fewBrokers-1, same)
		pl.brokers[id].usable = true
		pl.rank()
		require.Equal(t, before, pl.first())
	}
}

func TestSubset_HowManyBrokersThereAreToBe(t *testing.T) {
	for _, tt := range []struct{ most, brokers, want int }{
		{0, 1, everywhere}, {0, 16, everywhere}, {0, 17, 8}, {0, 1000, 8},
		{-1, 1000, everywhere}, {3, 2, 3}, {3, 1000, 3},
	} {
		require.Equal(t, tt.want, KeepTo(tt.most, tt.brokers), "%+v", tt)
	}
}

func TestSubset_ATopicReachesALeaderThatIsWell(t *testing.T) {
	led := func(rank int, change func(*stream)) *stream {
		b := newBrokerState(int32(rank))
		b.usable, b.rank = true, rank
		st := &stream{leader: b, pace: apace}
		if change != nil {
			change(st)
		}
		return st
	}
	down := func(st *stream) { st.leader.usable = false }
	for name, tt := range map[string]struct {
		parts []*stream
		kept  int
		want  int
	}{
		"all are used":              {[]*stream{led(3, nil)}, everywhere, everywhere},
		"it has one of the kept":    {[]*stream{led(3, nil), led(50, nil)}, 8, 7},
		"it has none of them":       {[]*stream{led(40, nil), led(50, nil)}, 8, 40},
		"the kept one is away":      {[]*stream{led(3, down), led(50, nil)}, 8, 50},
		"its partition is slow":     {[]*stream{led(3, func(st *stream) { st.pace = slow }), led(9, nil)}, 8, 9},
		"it has just failed":        {[]*stream{led(3, func(st *stream) { st.retryAt = 2 }), led(9, nil)}, 8, 9},
		"it is avoided":             {[]*stream{led(3, func(st *stream) { st.avoidUntil = 2 }), led(9, nil)}, 8, 9},
		"nobody is well":            {[]*stream{led(3, down), led(9, down)}, 8, everywhere},
		"its broker is to be left":  {[]*stream{led(3, func(st *stream) { st.leader.retryAt = 2 }), led(9, nil)}, 8, 9},
		"a partition has no leader": {[]*stream{{pace: apace}, led(9, nil)}, 8, 9},
		"there is no partition":     {nil, 8, everywhere},
	} {
		require.Equal(t, tt.want, (&topicState{parts: tt.parts}).reachFor(tt.kept, 1), name)
	}
}

func TestSubset_WhatHasWaitedInAnOutageGoesToItsBrokersFirst(t *testing.T) {
	near, far := newBrokerState(1), newBrokerState(2)
	near.rank, far.rank = 3, 50
	ts := &topicState{parts: []*stream{{leader: near}, {id: 1, leader: far}},
		turn: partitioner.Any}
	ts.judge("", 1, 8, time.Hour)
	near.usable, far.usable = true, true
	back := 2 * time.Hour
	ts.judge("", 1, 8, back)
	ts.judge("", 1, 8, back+widenAfter-1)
	require.True(t, ts.opensTo(ts.parts[0], time.Hour, back))
	require.False(t, ts.opensTo(ts.parts[1], time.Hour, back+widenAfter-1))
	require.True(t, ts.opensTo(ts.parts[1], time.Hour, back+widenAfter), "they are busy")
	require.False(t, ts.opensTo(ts.parts[1], back+time.Second, back+time.Second))
}
