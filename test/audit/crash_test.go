//go:build unix

package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// numbered is a stream of records with numbers, as one start of an instance sends them.
type numbered struct {
	instance audit.InstanceID
	run      uint64
}

// truth returns how many different records of each stream are in the log, and how many stand there
// twice.
func (s *stage) truth(t *testing.T) (there map[numbered]uint64, copies uint64) {
	there = make(map[numbered]uint64)
	known := make(map[audit.Header]bool)
	s.ReadEach(t, s.topic, func(rec *kgo.Record) {
		require.Len(t, rec.Headers, 1)
		h, err := audit.ParseHeader(rec.Headers[0].Value)
		require.NoError(t, err)
		one := audit.Header{Instance: h.Instance, Run: h.Run, Sequence: h.Sequence}
		if known[one] {
			copies++
			return
		}
		known[one] = true
		there[numbered{h.Instance, h.Run}]++
	})
	return there, copies
}

// byRun returns the sums of the rows of each start of an instance.
func byRun(r *audit.Report) map[numbered]*audit.Counts {
	sums := make(map[numbered]*audit.Counts)
	for i := range r.Rows {
		of := numbered{audit.IDOf(r.Rows[i].Instance), r.Rows[i].Run}
		if sums[of] == nil {
			sums[of] = new(audit.Counts)
		}
		sums[of].Add(&r.Rows[i].Counts)
	}
	return sums
}

// Instances of each role are killed in mid-run, and start anew. Each record that is in the log is
// seen, once, and nothing is found: a record whose statement has died with its process stays open.
func TestKafka_F21_NothingIsFoundWhenAuditorsCrash(t *testing.T) {
	t.Parallel()
	s := newStage(t, kafkatest.Start(t, kafkatest.Brokers(3)))
	command := buildCommand(t)
	running := []*instance{
		s.run(t, command, "produce-1", audit.Produce, 0),
		s.run(t, command, "consume-1", audit.Consume, 0),
		s.run(t, command, "both-1", audit.Both, 0),
		s.run(t, command, "consume-2", audit.Consume, 0),
	}
	f := s.follow(t)
	s.seen(t, f, 1000)
	killed := make(map[string]int)
	for i := range auditorCrashes {
		victim := running[i%3]
		victim.Kill()
		killed[victim.name]++
		s.seen(t, f, 500)
		running[i%3] = s.run(t, command, victim.name, victim.role, 0)
		s.seen(t, f, 500)
	}
	require.Zero(t, running[0].stop(t))
	require.Contains(t, []int{0, 5}, running[2].stop(t)) // 5: what the killed have left is open

	there, copies := s.truth(t)
	var all uint64
	for _, n := range there {
		all += n
	}
	r := until(t, f, func(r *audit.Report) bool {
		return r.Total.Seen == all && r.Total.Waiting+r.Total.Unresolved+r.Total.Suspect == 0 &&
			!anyLive(r) && r.Total.Copies == copies
	})
	require.False(t, r.Total.Faulty(), "%+v", r.Total)
	sums := byRun(r)
	require.Len(t, sums, 2+killed["produce-1"]+killed["both-1"])
	for of, sum := range sums {
		require.Equal(t, there[of], sum.Seen)
		told := sum.Delivered + sum.Persisted + sum.Unclaimed
		require.GreaterOrEqual(t, sum.Seen, told, "%+v", sum)
		// the last statement of one that was killed may have numbered some as not settled yet
		require.LessOrEqual(t, sum.Seen, told+sum.Unsettled, "%+v", sum)
	}
	silent := 0
	for _, p := range r.Sources {
		require.Equal(t, !p.Ended, p.Silent, "%+v", p)
		if p.Silent {
			silent++
			continue
		}
		sum := sums[numbered{audit.IDOf(p.Name), p.Run}]
		require.NotNil(t, sum, "%+v", p)
		require.Zero(t, sum.Open(), "%+v", sum)
	}
	require.Equal(t, killed["produce-1"]+killed["both-1"], silent)
	for _, i := range []int{1, 3} {
		require.Contains(t, []int{0, 5}, running[i].stop(t))
	}
}
