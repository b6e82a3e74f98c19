//go:build synctests

package producer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/hostile"
)

// The rules of numbers and ownership are explored, not sampled: every sequence of steps of a given
// length is run by the whole producer against two embedded clusters, and judged by their logs. A
// step sends two records and says what becomes of the request with them, or it is something that
// happens to a topic. A faulty rule that shows in so few steps is found for sure.

var exploreDepth = flag.Int("explore", 2,
	"how many steps TestVirtual_Explore takes of all that there are; one more of those that "+
		"matter most")

// explorer is one run.
type explorer struct {
	t       *testing.T
	k       map[string]*embedded
	middle  *hostile.Middle
	p       *producer.Producer
	cfg     producer.Config
	release chan struct{}

	mu      sync.Mutex // guards what follows
	fate    *fate      // of the next request with a record that no request has had yet
	seen    map[string]bool
	lied    map[string]bool // of these it was not true what the answer said
	reports map[string]producer.Report
	log     map[string][]*kgo.Record // by cluster and partition, also of topics that were deleted

	sent int
}

// fate is what becomes of a request.
type fate struct {
	name string
	is   func(x *explorer) *hostile.Mutation
	// its records may be in the log although they count as lost, and twice although they do not
	// count as maybe duplicated
	lies bool
}

var fates = []fate{
	{name: "answered", is: func(*explorer) *hostile.Mutation { return nil }},
	{name: "unseen", is: func(*explorer) *hostile.Mutation { return hostile.Unseen() }},
	{name: "unanswered", is: func(*explorer) *hostile.Mutation { return hostile.Unanswered() }},
	{name: "late", is: func(x *explorer) *hostile.Mutation { return hostile.Late(x.release) }},
	refusedAs(kerr.NotLeaderForPartition),
	refusedAs(kerr.OutOfOrderSequenceNumber),
	refusedAs(kerr.InvalidProducerIDMapping),
	refusedAs(kerr.ClusterAuthorizationFailed),
	refusedAs(kerr.MessageTooLarge),
	refusedAs(kerr.InvalidRecord),
	refusedAs(kerr.UnsupportedCompressionType),
	appendedAs(kerr.NetworkException, false),
	appendedAs(kerr.UnknownServerError, false),
	appendedAs(kerr.NotLeaderForPartition, true),
	appendedAs(kerr.OutOfOrderSequenceNumber, true),
	appendedAs(kerr.InvalidProducerIDMapping, true),
	appendedAs(kerr.MessageTooLarge, true),
	appendedAs(kerr.InvalidRecord, true),
	appendedAs(kerr.CorruptMessage, true),
}

func refusedAs(e *kerr.Error) fate {
	return fate{name: "refused as " + e.Message,
		is: func(*explorer) *hostile.Mutation { return hostile.Refused(e.Code) }}
}

func appendedAs(e *kerr.Error, lies bool) fate {
	return fate{name: "appended, and answered as " + e.Message, lies: lies,
		is: func(*explorer) *hostile.Mutation {
			m := hostile.AppendedButAnswered(e.Code, 100)
			return &m
		}}
}

// step is one of those that sequences are made of.
type step struct {
	name    string
	do      func(x *explorer)
	matters bool // is part of the longer sequences, too
}

func everyStep() []step {
	all := []step{
		{"the table is freed, 10m05s", func(*explorer) {
			time.Sleep(10*time.Minute + 5*time.Second)
		}, true},
		{"the table is freed, 10m35s", func(*explorer) {
			time.Sleep(10*time.Minute + 35*time.Second)
		}, true},
		{"the table is freed, 11m05s", func(*explorer) {
			time.Sleep(11*time.Minute + 5*time.Second)
		}, false},
		{"everything expires", func(*explorer) { time.Sleep(exploreTimeout + time.Second) }, true},
		{"what is late arrives", (*explorer).arrive, true},
		{"the other cluster is the primary", (*explorer).swap, true},
		{"the fallback calls the topic something else", (*explorer).rename, false},
		{"the topic is made again", (*explorer).remake, true},
		{"all connections are reset",
			func(x *explorer) { x.k["main"].link.Reset(); x.k["spare"].link.Reset() }, false},
	}
	for _, key := range []string{"k", ""} {
		for _, f := range fates {
			matters := key != "" && (f.name == "answered" || f.name == "unanswered" ||
				f.name == "late" || f.lies && strings.Contains(f.name, "NOT_LEADER"))
			all = append(all, step{fmt.Sprintf("key %q: %s", key, f.name),
				func(x *explorer) { x.send(key, &f) }, matters})
		}
	}
	return all
}

// exploreTimeout is the delivery timeout, longer than an answer is waited for.
const exploreTimeout = 20 * time.Second

func TestVirtual_Explore(t *testing.T) {
	all := everyStep()
	var some []step
	for _, s := range all {
		if s.matters {
			some = append(some, s)
		}
	}
	for name, takes := range map[string]func([]byte) bool{
		"brokers as they should be": func([]byte) bool { return true },
		"brokers that take the first epoch " +
			"alone": func(batch []byte) bool { return int16(binary.BigEndian.Uint16(batch[51:])) <= 0 },
	} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int64
			run := func(steps []step) {
				n.Add(1)
				synctest.Test(t, func(t *testing.T) { explore(t, steps, takes) })
			}
			for first := range all {
				t.Run(all[first].name, func(t *testing.T) {
					t.Parallel()
					sequences(all, *exploreDepth, []step{all[first]}, run)
					if all[first].matters {
						sequences(some, *exploreDepth+1, []step{all[first]}, run)
					}
				})
			}
			t.Cleanup(func() { t.Logf("%d sequences", n.Load()) })
		})
	}
}

// sequences calls run with every sequence of steps that begins with some.
func sequences(all []step, length int, some []step, run func([]step)) {
	if len(some) == length {
		run(some)
		return
	}
	for _, s := range all {
		sequences(all, length, append(some[:len(some):len(some)], s), run)
	}
}

// explore runs a sequence.
func explore(t *testing.T, sequence []step, takes func(batch []byte) bool) {
	x := &explorer{
		t: t, k: make(map[string]*embedded), release: make(chan struct{}),
		seen: make(map[string]bool), lied: make(map[string]bool),
		reports: make(map[string]producer.Report), log: make(map[string][]*kgo.Record),
	}
	defer func() {
		if t.Failed() {
			for _, s := range sequence {
				t.Log(s.name)
			}
		}
	}()
	f := newField(t, []string{"main", "spare"}, func(cfg *producer.Config) {
		cfg.Priorities.Medium.DeliveryTimeout = exploreTimeout
		cfg.Priorities.Medium.MoveUnresolvedAfter = producer.Never
	})
	x.k, x.cfg = f.k, f.cfg
	defer x.end()
	x.middle = hostile.New(f.dial, 1)
	x.middle.Script(func(q *kmsg.ProduceRequest) *hostile.Mutation { return x.next(q, takes) })
	p, err := producer.New(x.cfg, producer.WithDialer(x.middle.Dial),
		producer.WithDelivery(x.report), producer.WithLogger(zap.NewNop()))
	require.NoError(t, err)
	x.p = p
	x.send("k", &fates[0])
	x.send("", &fates[0])
	for _, s := range sequence {
		s.do(x)
		time.Sleep(time.Second)
		total := p.Stats().Total
		require.True(t, total.Balanced(), "%+v", total)
	}
	x.arrive()
	x.recovers()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	require.NoError(t, p.Flush(ctx))
	closeWithin(t, p, time.Minute)
	synctest.Wait()
	x.judge()
}

func (x *explorer) end() {
	if x.p != nil {
		closeWithin(x.t, x.p, 0)
	}
	x.arrive()
	x.middle.Wait()
	for _, k := range x.k {
		k.Close()
	}
}

func (x *explorer) report(r producer.Report) {
	x.mu.Lock()
	defer x.mu.Unlock()
	name := fmt.Sprintf("<%d>", r.Tag)
	_, twice := x.reports[name]
	require.False(x.t, twice, "%s has two outcomes", name)
	x.reports[name] = r
}

// next says what becomes of a request.
func (x *explorer) next(q *kmsg.ProduceRequest, takes func([]byte) bool) *hostile.Mutation {
	x.mu.Lock()
	defer x.mu.Unlock()
	var fresh bool
	for _, t := range q.Topics {
		for _, p := range t.Partitions {
			if !takes(p.Records) {
				return hostile.Refused(kerr.InvalidProducerEpoch.Code)
			}
			for tag := range x.sent {
				if name := fmt.Sprintf("<%d>", tag); bytes.Contains(p.Records, []byte(name)) {
					fresh = fresh || !x.seen[name]
					x.seen[name] = true
					x.lied[name] = x.lied[name] || x.fate != nil && fresh && x.fate.lies
				}
			}
		}
	}
	f := x.fate
	if !fresh || f == nil {
		return nil
	}
	x.fate = nil
	return f.is(x)
}

// send sends two records in one batch, and says what becomes of the first request with them.
func (x *explorer) send(key string, f *fate) {
	x.mu.Lock()
	x.fate = f
	x.mu.Unlock()
	for range 2 {
		x.mu.Lock()
		tag := x.sent
		x.sent++
		x.mu.Unlock()
		rec := producer.Record{Topic: "events", Value: fmt.Appendf(nil, "<%d>", tag),
			Tag: uint64(tag)}
		if key != "" {
			rec.Key = []byte(key)
		}
		require.NoError(x.t, x.p.Send(rec))
	}
	time.Sleep(100 * time.Millisecond)
}

// arrive has what is late reach its broker.
func (x *explorer) arrive() {
	x.mu.Lock()
	close(x.release)
	x.release = make(chan struct{})
	x.mu.Unlock()
	time.Sleep(2 * time.Second)
}

func (x *explorer) reconfigure(change func(medium *producer.PriorityConfig)) {
	change(&x.cfg.Priorities.Medium)
	require.NoError(x.t, x.p.Reconfigure(x.cfg))
}

func (x *explorer) swap() {
	x.reconfigure(func(medium *producer.PriorityConfig) {
		was := medium.Cluster
		medium.Cluster, medium.Fallbacks = medium.Fallbacks[0].Cluster, []routing.Fallback{{Cluster: was}}
	})
}

func (x *explorer) rename() {
	x.reconfigure(func(medium *producer.PriorityConfig) {
		medium.Fallbacks = []routing.Fallback{{Cluster: medium.Fallbacks[0].Cluster,
			Rename: map[string]string{"events": "theirs"}}}
	})
}

// remake deletes the topic of the primary, and makes it again.
func (x *explorer) remake() {
	primary := x.cfg.Priorities.Medium.Cluster
	k := x.k[primary]
	x.read(primary)
	n := len(k.PartitionInfos("events"))
	require.NoError(x.t, k.DeleteTopic("events"))
	time.Sleep(time.Second)
	require.NoError(x.t, k.CreateTopic("events", int32(n), nil))
}

// recovers requires that records are delivered again, within a minute.
func (x *explorer) recovers() {
	for range 60 {
		x.send("k", nil)
		x.send("", nil)
		time.Sleep(time.Second)
		last := fmt.Sprintf("<%d>", x.sent-1)
		x.mu.Lock()
		well := x.reports[last].Outcome == producer.Delivered
		x.mu.Unlock()
		if well {
			return
		}
	}
	require.Fail(x.t, "nothing is delivered any more", "%+v", x.p.Stats().Total)
}

// read notes what the log of a cluster holds by now.
func (x *explorer) read(cluster string) {
	for _, r := range x.k[cluster].read(x.t, "events") {
		place := fmt.Sprint(cluster, " ", r.Partition)
		x.log[place] = append(x.log[place], r)
	}
}

// judge compares the reports with the logs.
func (x *explorer) judge() {
	stats := x.p.Stats()
	require.Zero(x.t, stats.Total.Pending)
	require.Len(x.t, x.reports, x.sent)
	for cluster := range x.k {
		x.read(cluster)
	}
	times, places := make(map[string]int), make(map[string][]string)
	for place, log := range x.log {
		last := -1
		for _, r := range log {
			name := string(r.Value)
			times[name]++
			places[name] = append(places[name], place)
			var tag int
			_, err := fmt.Sscanf(name, "<%d>", &tag)
			require.NoError(x.t, err)
			if r.Key != nil && stats.OrderAtRisk == 0 && !x.lied[name] && times[name] == 1 {
				require.Greater(x.t, tag, last, "the order in %s", place)
				last = tag
			}
		}
	}
	for name, r := range x.reports {
		n := times[name]
		if r.Outcome == producer.Delivered {
			require.NotZero(x.t, n, "%s was delivered and is in no log", name)
		}
		if x.lied[name] {
			continue
		}
		if n > 1 {
			require.True(x.t, r.MaybeDuplicated, "%s is there %d times: %+v, %v", name, n, r,
				places[name])
		}
		if n > 0 {
			require.Contains(x.t, []producer.Outcome{producer.Delivered,
				producer.PossiblyPersisted}, r.Outcome, "%s is there", name)
		}
	}
}
