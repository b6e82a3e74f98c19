package watch

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/forebay-go/forebay/audit"
)

const (
	bucketsShown = 12 // two hours
	topicsShown  = 50
	whoShown     = 100
)

// data is the answer that the page polls. It belongs to the page, and changes with it. Times are in
// milliseconds since 1970, durations in seconds.
type data struct {
	At     int64  `json:"at"`
	Began  int64  `json:"began"`
	Role   string `json:"role"`
	Report Report `json:"report"`

	Numbered uint64 `json:"numbered"`
	Seen     uint64 `json:"seen"`
	Open     uint64 `json:"open"`
	Unread   int64  `json:"unread"`
	Lost     uint64 `json:"lost"`
	Twice    uint64 `json:"twice"`

	Buckets       []int64     `json:"buckets"` // their starts, the oldest first
	Topics        []topicRow  `json:"topics"`
	TopicsLeftOut int         `json:"topics_left_out"`
	Brokers       []brokerRow `json:"brokers"`
	Minutes       []int64     `json:"minutes"` // of the map of brokers
	Who           []whoRow    `json:"who"`
	WhoLeftOut    int         `json:"who_left_out"`
	Loads         []loadRow   `json:"loads"`
}

type topicRow struct {
	Topic    string  `json:"topic"`
	Complete string  `json:"complete"`
	Status   string  `json:"status"`
	Decided  uint64  `json:"decided"`
	Lost     uint64  `json:"lost"`
	Twice    uint64  `json:"twice"`
	Order    uint64  `json:"order"`
	Open     uint64  `json:"open"`
	Unread   int64   `json:"unread"`
	Clocks   string  `json:"clocks"` // by which the times are: "one", "two", or "" without any
	Median   float64 `json:"median"` // upper bounds
	Slowest  float64 `json:"slowest"`
	Cells    []cell  `json:"cells"` // by bucket
}

// cell is a topic in a bucket.
type cell struct {
	Status   string `json:"status"` // "none", "open", "well", "unchecked" or "faulty"
	Complete string `json:"complete"`
	Decided  uint64 `json:"decided"`
	Lost     uint64 `json:"lost"`
	Wrong    uint64 `json:"wrong"` // twice, out of order or contradicted
	Open     uint64 `json:"open"`
	Skipped  uint64 `json:"unchecked"`
}

type brokerRow struct {
	Broker  int32        `json:"broker"`
	Host    string       `json:"host"`
	State   string       `json:"state"`
	Since   int64        `json:"since"`
	Sent    uint64       `json:"sent"`
	Failed  uint64       `json:"failed"`
	Median  float64      `json:"median"`
	Longest float64      `json:"longest"`
	Read    float64      `json:"read"`
	Past    []minuteCell `json:"past"` // by minute
}

// minuteCell is a broker in a minute.
type minuteCell struct {
	State   string  `json:"state"` // "" if nothing is known
	Longest float64 `json:"longest"`
	Failed  uint64  `json:"failed"`
}

type whoRow struct {
	Kind     string  `json:"kind"`
	Name     string  `json:"name"`
	State    string  `json:"state"`
	Quiet    float64 `json:"quiet"`
	Unstated uint64  `json:"unstated"`
}

type loadRow struct {
	Topic   string  `json:"topic"`
	Sent    uint64  `json:"sent"`
	Refused uint64  `json:"refused"`
	Why     string  `json:"why"`
	Late    float64 `json:"late"`
}

// data returns what the page shows.
func (l *look) data() data {
	d := data{At: l.At.UnixMilli(), Began: l.Began.UnixMilli(), Role: string(l.Role),
		Report: l.report, Topics: []topicRow{}, Brokers: []brokerRow{}, Who: []whoRow{},
		Loads: []loadRow{}, Buckets: []int64{}, Minutes: []int64{}}
	if l.Report != nil {
		t := &l.Report.Total
		d.Numbered, d.Seen, d.Open, d.Lost, d.Twice = t.Numbered, t.Seen, t.Open(), t.Lost,
			t.Unexplained
	}
	for i := range l.Topics {
		d.Unread += l.Topics[i].Unread
	}
	d.addTopics(l)
	d.addBrokers(l)
	d.addWho(l)
	for i := range l.Loads {
		s := &l.Loads[i]
		d.Loads = append(d.Loads, loadRow{s.Topic, s.Sent, s.Refused, s.LastFail, s.Late.Seconds()})
	}
	return d
}

// addTopics adds the topics, those with faults first, then those with the most records.
func (d *data) addTopics(l *look) {
	cells, oldest, newest := cellsOf(l.Report)
	first := max(oldest, newest-min(newest, bucketsShown-1))
	if newest > 0 {
		for b := first; b <= newest; b++ {
			d.Buckets = append(d.Buckets, b.Start().UnixMilli())
		}
	}
	all := slices.Clone(topicsOf(&l.Snapshot))
	slices.SortStableFunc(all, func(a, b topic) int {
		return cmp.Or(cmp.Compare(faultsOf(&b.counts), faultsOf(&a.counts)),
			cmp.Compare(b.counts.Numbered, a.counts.Numbered))
	})
	d.TopicsLeftOut = max(0, len(all)-topicsShown)
	for i := range all[:len(all)-d.TopicsLeftOut] {
		t := &all[i]
		row := topicRow{Topic: t.name, Complete: t.counts.Percent(),
			Status: statusOf(&t.counts), Decided: t.counts.Decided(), Lost: t.counts.Lost,
			Twice: t.counts.Unexplained, Order: t.counts.OutOfOrder, Open: t.counts.Open(),
			Unread: t.read.Unread, Cells: []cell{}}
		row.addTimes(&t.read)
		for b := first; len(d.Buckets) > len(row.Cells); b++ {
			row.Cells = append(row.Cells, cellOf(cells[cellAt{t.name, b}]))
		}
		d.Topics = append(d.Topics, row)
	}
}

// addTimes adds how long records take: by one clock if some were measured so, else by two.
func (r *topicRow) addTimes(t *audit.ReadTopic) {
	times := &t.OneClock
	r.Clocks = "one"
	if times.Count() == 0 {
		times, r.Clocks = &t.TwoClocks, "two"
	}
	if times.Count() == 0 {
		r.Clocks = ""
	}
	r.Median, r.Slowest = times.Quantile(0.5).Seconds(), times.Quantile(0.99).Seconds()
}

// faultsOf returns how many records something is wrong with.
func faultsOf(c *audit.Counts) uint64 {
	return c.Lost + c.Unexplained + c.OutOfOrder + c.Contradicted
}

// statusOf says in a word what a count comes to.
func statusOf(c *audit.Counts) string {
	switch {
	case c.Faulty():
		return "faulty"
	case c.Skipped+c.Elsewhere > 0:
		return "unchecked"
	case c.Decided() > 0:
		return "well"
	case c.Open() > 0:
		return "open"
	}
	return "none"
}

type cellAt struct {
	topic  string
	bucket audit.Bucket
}

// cellsOf returns the accounts of all instances together, and the first and the last bucket.
func cellsOf(report *audit.Report) (cells map[cellAt]*audit.Counts, oldest,
	newest audit.Bucket) {
	cells, oldest = make(map[cellAt]*audit.Counts), math.MaxUint32
	if report == nil {
		return cells, 0, 0
	}
	for i := range report.Rows {
		row := &report.Rows[i]
		at := cellAt{row.Topic, row.Bucket}
		if cells[at] == nil {
			cells[at] = new(audit.Counts)
		}
		cells[at].Add(&row.Counts)
		oldest, newest = min(oldest, row.Bucket), max(newest, row.Bucket)
	}
	return cells, oldest, newest
}

func cellOf(c *audit.Counts) cell {
	if c == nil {
		return cell{Status: "none", Complete: "-"}
	}
	return cell{Status: statusOf(c), Complete: c.Percent(), Decided: c.Decided(), Lost: c.Lost,
		Wrong: c.Unexplained + c.OutOfOrder + c.Contradicted, Open: c.Open(),
		Skipped: c.Skipped + c.Elsewhere}
}

// minutesShown is how many minutes the map of brokers has.
const minutesShown = 60

func (d *data) addBrokers(l *look) {
	if len(l.Brokers) == 0 {
		return
	}
	now := l.At.Truncate(time.Minute)
	for i := range minutesShown {
		at := now.Add(time.Duration(i-minutesShown+1) * time.Minute)
		d.Minutes = append(d.Minutes, at.UnixMilli())
	}
	for i := range l.Brokers {
		b := &l.Brokers[i]
		row := brokerRow{Broker: b.Broker, Host: b.Host, State: string(b.State),
			Since: b.Since.UnixMilli(), Sent: b.Sent, Failed: b.Failed,
			Past: make([]minuteCell, minutesShown)}
		for _, p := range b.Partitions {
			row.Median = max(row.Median, p.Acknowledged.Median.Seconds())
			row.Longest = max(row.Longest, p.Acknowledged.Longest.Seconds())
			row.Read = max(row.Read, p.Read.Median.Seconds())
		}
		for _, m := range b.Past {
			at := minutesShown - 1 - int(now.Sub(m.Start)/time.Minute)
			if at >= 0 && at < minutesShown {
				row.Past[at] = minuteCell{string(m.State), m.Longest.Seconds(), m.Failed}
			}
		}
		d.Brokers = append(d.Brokers, row)
	}
}

// addWho adds instances and readers, those that are silent first, then those that live.
func (d *data) addWho(l *look) {
	if l.Report == nil {
		return
	}
	for _, of := range []struct {
		kind string
		list []audit.Presence
	}{{"instance", l.Report.Sources}, {"reader", l.Report.Readers}} {
		for i := range of.list {
			p := &of.list[i]
			d.Who = append(d.Who, whoRow{of.kind, p.Name, stateOf(p), p.Quiet.Seconds(),
				p.Unstated})
		}
	}
	order := []string{"silent", "live", "ended"}
	slices.SortStableFunc(d.Who, func(a, b whoRow) int {
		return slices.Index(order, a.State) - slices.Index(order, b.State)
	})
	d.WhoLeftOut = max(0, len(d.Who)-whoShown)
	d.Who = d.Who[:len(d.Who)-d.WhoLeftOut]
}
