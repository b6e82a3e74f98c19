package metrics

import (
	"cmp"
	"slices"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// other names the series of all topics without their own. A topic of this very name never gets its
// own.
const other = "other"

// topicRow holds the figures of one topic, in all priorities.
type topicRow struct {
	name    string
	books   producer.Books
	held    int64
	trouble int // number of topics in trouble
}

// topics chooses the topics that have series, and keeps their counters from falling. Stats forgets
// idle topics, and then counts them only in the sums of their priorities. The counters of an idle
// topic stay where they were, and go on when it comes back.
type topics struct {
	limit  int
	known  map[string]*topic
	beyond bool // some topic has counted as other
	totals [routing.High + 1]growing
	left   producer.Books // counts of the topics that lost their place
}

// topic is a topic that has series.
type topic struct {
	lanes [routing.High + 1]inLane
	row   topicRow // the present state, without its books
	inUse bool
}

func newTopics(limit int) *topics {
	return &topics{limit: limit, known: make(map[string]*topic)}
}

// see returns the rows of s: the topics with series, in the order of their names, and then other.
func (t *topics) see(s *producer.Stats) []topicRow {
	for _, x := range t.known {
		x.row.held, x.row.trouble, x.row.books, x.inUse = 0, 0, producer.Books{}, false
		for p := range x.lanes {
			x.lanes[p].was, x.lanes[p].is = x.lanes[p].is, false
		}
	}
	rest := topicRow{name: other}
	t.follow(s, &rest)
	if idle := t.idle(); len(idle) > 0 || len(t.known) < t.limit {
		t.admit(t.strangers(s), idle, &rest)
	}
	t.beyond = t.beyond || len(t.known) >= t.limit
	return t.rows(s, rest)
}

// follow adds the figures of s to the topics that have series, and those of all others to rest.
func (t *topics) follow(s *producer.Stats, rest *topicRow) {
	for i := range s.Topics {
		row := &s.Topics[i]
		if x := t.known[row.Topic]; x != nil {
			x.add(row)
		} else {
			rest.add(row)
		}
	}
}

// strangers returns the topics of s that have no series and may get some, the busiest first.
func (t *topics) strangers(s *producer.Stats) (rows []*producer.TopicStats) {
	for i := range s.Topics {
		if row := &s.Topics[i]; row.Topic != other && t.known[row.Topic] == nil {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *producer.TopicStats) int {
		return cmp.Or(cmp.Compare(b.Accepted, a.Accepted), cmp.Compare(a.Topic, b.Topic),
			cmp.Compare(a.Priority, b.Priority))
	})
	return rows
}

// admit gives the free places, and then those of idle topics, to strangers in their order.
func (t *topics) admit(strangers []*producer.TopicStats, idle []string, rest *topicRow) {
	for _, row := range strangers {
		x := t.known[row.Topic] // not nil if another priority brought it in just now
		if x == nil && len(t.known) == t.limit && len(idle) > 0 {
			t.dismiss(idle[0])
			idle = idle[1:]
		}
		if x == nil && len(t.known) < t.limit {
			x = &topic{row: topicRow{name: row.Topic}}
			t.known[row.Topic] = x
		}
		if x == nil {
			continue
		}
		rest.sub(row)
		if t.beyond { // its earlier counts may be in other, and stay there
			x.lanes[row.Priority].begin(row)
		}
		x.add(row)
	}
}

// idle returns the topics that have a place but are no longer in use.
func (t *topics) idle() (names []string) {
	for name, x := range t.known {
		if !x.inUse {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// dismiss takes a topic's place away, and remembers its counts.
func (t *topics) dismiss(name string) {
	books := t.known[name].books()
	t.left.Add(&books)
	delete(t.known, name)
}

func (t *topics) rows(s *producer.Stats, rest topicRow) (rows []topicRow) {
	pending := rest.books.Pending
	rest.books = producer.Books{}
	for p, books := range s.Priorities {
		t.totals[p].see(&books)
	}
	for i := range t.totals {
		books := t.totals[i].books()
		rest.books.Add(&books)
	}
	rest.books.Sub(&t.left)
	for _, x := range t.known {
		row, books := x.row, x.books()
		rest.books.Sub(&books)
		books.Pending = row.books.Pending
		row.books = books
		rows = append(rows, row)
	}
	rest.books.Pending = pending
	slices.SortFunc(rows, func(a, b topicRow) int { return cmp.Compare(a.name, b.name) })
	return append(rows, rest)
}

func (x *topic) add(row *producer.TopicStats) {
	x.inUse = true
	x.row.add(row)
	x.row.trouble = min(x.row.trouble, 1) // two priorities still make one topic
	x.lanes[row.Priority].follow(row)
}

// books returns the counts of x since it got series.
func (x *topic) books() (sum producer.Books) {
	for i := range x.lanes {
		books := x.lanes[i].books()
		sum.Add(&books)
	}
	return sum
}

// add adds the present state of row, which is no counter.
func (r *topicRow) add(row *producer.TopicStats) {
	r.held += row.Held
	r.trouble += troubles(row)
	r.books.Pending += row.Pending
}

// sub undoes add.
func (r *topicRow) sub(row *producer.TopicStats) {
	r.held -= row.Held
	r.trouble -= troubles(row)
	r.books.Pending -= row.Pending
}

func troubles(row *producer.TopicStats) int {
	if row.Trouble == "" {
		return 0
	}
	return 1
}

// growing is a count that goes on when its source restarts at zero.
type growing struct {
	base, last, before producer.Books // base + last - before is the count
}

// restart prepares for a source that restarts at zero now.
func (g *growing) restart() {
	g.base, g.last, g.before = g.books(), producer.Books{}, producer.Books{}
}

// see takes the present count of the source.
func (g *growing) see(now *producer.Books) {
	if fell(now, &g.last) {
		g.restart()
	}
	g.last = *now
	g.last.Pending = 0
}

// inLane holds the counts of a topic in one priority.
type inLane struct {
	growing
	is, was bool      // whether Stats has it now, and had it last time
	since   time.Time // when its counts began in Stats
}

// begin makes the count start at row.
func (l *inLane) begin(row *producer.TopicStats) {
	l.before = row.Books
	l.before.Pending = 0
	l.was, l.since = true, row.Since
}

// follow takes the present count of row. The producer frees idle topics: a topic that came back
// restarted at zero, even if its count has already caught up.
func (l *inLane) follow(row *producer.TopicStats) {
	if !l.was || !l.since.Equal(row.Since) {
		l.restart()
	}
	l.is, l.since = true, row.Since
	l.see(&row.Books)
}

func (g *growing) books() producer.Books {
	sum := g.base
	sum.Add(&g.last)
	sum.Sub(&g.before)
	return sum
}

// fell reports whether a count has restarted at zero.
func fell(now, last *producer.Books) bool {
	return now.Accepted < last.Accepted || now.Delivered < last.Delivered ||
		now.Shed < last.Shed || now.Expired < last.Expired || now.Rejected < last.Rejected ||
		now.PossiblyPersisted < last.PossiblyPersisted ||
		now.MaybeDuplicated < last.MaybeDuplicated || now.Refused < last.Refused
}
