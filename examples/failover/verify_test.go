package main

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// world is a run in which all is well: keyed records, the first half in main and the second in
// spare.
type world struct {
	accepted []bool
	fates    map[uint64]fate
	logs     map[string][]*kgo.Record
}

func newWorld() *world {
	w := &world{fates: make(map[uint64]fate), logs: make(map[string][]*kgo.Record)}
	for i := range 20 {
		cluster := "main"
		if i >= 10 {
			cluster = "spare"
		}
		r := &kgo.Record{Topic: keyedTopic, Key: []byte{'a' + byte(i%2)},
			Value: []byte(strconv.Itoa(i)), Offset: int64(len(w.logs[cluster]))}
		w.accepted = append(w.accepted, true)
		w.logs[cluster] = append(w.logs[cluster], r)
		w.fates[uint64(i)] = fate{producer.Report{Outcome: producer.Delivered, Cluster: cluster,
			Topic: r.Topic, Offset: r.Offset}, 1}
	}
	return w
}

// stats returns the books as they should be.
func (w *world) stats() producer.Stats {
	books := func(n uint64) producer.Books { return producer.Books{Accepted: n, Delivered: n} }
	return producer.Stats{Total: books(20),
		Clusters: map[string]producer.ClusterStats{"main": {Books: books(10)},
			"spare": {Books: books(10)}}}
}

func (w *world) tell(number uint64, change func(*fate)) {
	f := w.fates[number]
	change(&f)
	w.fates[number] = f
}

func TestCheck_SaysWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*world)
		want   string
	}{
		"nothing": {func(*world) {}, ""},
		"missing": {func(w *world) { w.logs["main"] = w.logs["main"][1:] },
			"delivered and not where the report says: 1, the first is 0"},
		"elsewhere": {func(w *world) { w.tell(3, func(f *fate) { f.Cluster = "spare" }) },
			"delivered and not where the report says: 1, the first is 3"},
		"twice": {func(w *world) {
			w.logs["spare"] = append(w.logs["spare"], w.logs["main"][4])
		},
			"there twice and not counted as maybe duplicated: 1, the first is 4"},
		"never sent": {func(w *world) { w.accepted = w.accepted[:19] },
			"in a log and never sent: 1, the first is 19"},
		"not accepted": {func(w *world) { w.accepted[5] = false },
			"accepted without one outcome, or refused with one: 1, the first is 5"},
		"told twice": {func(w *world) { w.tell(6, func(f *fate) { f.times++ }) },
			"accepted without one outcome, or refused with one: 1, the first is 6"},
		"not told": {func(w *world) { delete(w.fates, 7) },
			"accepted without one outcome, or refused with one: 1, the first is 7"},
		"shed and kept": {func(w *world) { w.tell(8, func(f *fate) { f.Outcome = producer.Shed }) },
			"lost and in a log all the same: 1, the first is 8"},
		"disordered": {func(w *world) { l := w.logs["main"]; l[0], l[2] = l[2], l[0] },
			"not in the order of their key: 1, the first is 0"},
		"counted": {func(w *world) {
			w.logs["spare"] = append(w.logs["spare"], w.logs["main"][4])
			w.tell(4, func(f *fate) { f.MaybeDuplicated = true })
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			test.change(w)
			err := check(w.accepted, w.fates, w.logs)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
}

func TestAudit_SaysWhatIsWrong(t *testing.T) {
	w := newWorld()
	s := w.stats()
	require.NoError(t, audit(&s, w.accepted, w.fates))
	for name, change := range map[string]func(*producer.Stats){
		"pending":    func(s *producer.Stats) { s.Total.Accepted, s.Total.Pending = 21, 1 },
		"unbalanced": func(s *producer.Stats) { s.Total.Accepted-- },
		"duplicates": func(s *producer.Stats) { s.Total.MaybeDuplicated++ },
		"clusters": func(s *producer.Stats) {
			s.Clusters["main"], s.Clusters["spare"] = producer.ClusterStats{}, s.Clusters["main"]
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := w.stats()
			change(&s)
			require.Error(t, audit(&s, w.accepted, w.fates))
		})
	}
}
