package watch

import (
	"cmp"
	"maps"
	"slices"

	"github.com/forebay-go/forebay/audit"
)

// ownSeries is the most topics that have series of their own.
const ownSeries = 50

// other is the topic of the rest. No topic in Kafka has that name often enough to matter: if one
// has, it is counted among the rest.
const other = "other"

// topic is the account of one topic, in all buckets and of all instances.
type topic struct {
	name    string
	counts  audit.Counts
	stuck   uint64 // open in rows that are not live
	bare    uint64
	garbled uint64
	read    audit.ReadTopic // by the reader of this instance
	isRead  bool
}

// add adds another topic.
func (t *topic) add(o *topic) {
	t.counts.Add(&o.counts)
	t.stuck, t.bare, t.garbled = t.stuck+o.stuck, t.bare+o.bare, t.garbled+o.garbled
	t.read.Partitions += o.read.Partitions
	t.read.Unread += o.read.Unread
	t.read.OneClock.Add(&o.read.OneClock)
	t.read.TwoClocks.Add(&o.read.TwoClocks)
	t.isRead = t.isRead || o.isRead
}

// topicsOf returns all topics of a snapshot, by name.
func topicsOf(s *audit.Snapshot) []topic {
	all := make(map[string]*topic)
	of := func(name string) *topic {
		if all[name] == nil {
			all[name] = &topic{name: name}
		}
		return all[name]
	}
	if s.Report != nil {
		for i := range s.Report.Rows {
			row := &s.Report.Rows[i]
			t := of(row.Topic)
			t.counts.Add(&row.Counts)
			if !row.Live {
				t.stuck += row.Open()
			}
		}
		for i := range s.Report.Partitions {
			p := &s.Report.Partitions[i]
			t := of(p.Topic)
			t.bare, t.garbled = t.bare+p.Bare, t.garbled+p.Garbled
		}
	}
	for i := range s.Topics {
		t := of(s.Topics[i].Topic)
		t.read, t.isRead = s.Topics[i], true
	}
	sorted := make([]topic, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, *all[name])
	}
	return sorted
}

// places says which topics have series of their own. A topic keeps its place as long as it is in
// the report, so that no series falls because another topic becomes busier.
type places struct {
	most  int
	taken map[string]bool
}

func newPlaces(most int) *places { return &places{most: most, taken: make(map[string]bool)} }

// see returns the topics with series of their own, and the sum of the others as the last one.
func (p *places) see(all []topic) []topic {
	present := make(map[string]bool)
	for i := range all {
		present[all[i].name] = true
	}
	maps.DeleteFunc(p.taken, func(name string, _ bool) bool { return !present[name] })
	busiest := slices.Clone(all)
	slices.SortStableFunc(busiest, func(a, b topic) int {
		return cmp.Compare(b.counts.Numbered, a.counts.Numbered)
	})
	for i := range busiest {
		if name := busiest[i].name; len(p.taken) < p.most && name != other {
			p.taken[name] = true
		}
	}
	shown, rest, some := make([]topic, 0, len(p.taken)+1), topic{name: other}, false
	for i := range all {
		if p.taken[all[i].name] {
			shown = append(shown, all[i])
			continue
		}
		rest.add(&all[i])
		some = true
	}
	if some {
		shown = append(shown, rest)
	}
	return shown
}
