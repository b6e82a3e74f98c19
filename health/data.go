package health

import (
	"maps"
	"slices"
	"time"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

const clustersMax = 64

// data is the answer that the page polls. It belongs to the page, and changes with it. Times are in
// milliseconds since 1970, durations in seconds.
type data struct {
	At      int64       `json:"at"`
	Began   int64       `json:"began"` // when New ran; another time means another producer
	Report  Report      `json:"report"`
	Held    int64       `json:"held"`
	Max     int64       `json:"max"`
	Beside  int64       `json:"beside"` // the most that is held outside Max
	Total   booksRow    `json:"total"`
	Lanes   []laneRow   `json:"lanes"`
	Lost    []lostRow   `json:"lost"`
	Refused []refusedOf `json:"refused"`

	Clusters        []clusterRow `json:"clusters"`
	ClustersLeftOut int          `json:"clusters_left_out"`
	Topics          []topicRow   `json:"topics"`
	TopicsLeftOut   int          `json:"topics_left_out"`

	Traffic  traffic    `json:"traffic"`
	Bounds   []float64  `json:"bounds"`   // of the buckets of Delivery
	Delivery []uint64   `json:"delivery"` // number of records in each bucket of delivery time
	Events   []eventRow `json:"events"`

	Names struct {
		Known    int    `json:"known"`
		Lookups  uint64 `json:"lookups"`
		Failures uint64 `json:"failures"`
		Stale    uint64 `json:"stale"`
	} `json:"names"`
	ReportsDropped uint64 `json:"reports_dropped"`
	ReportPanics   uint64 `json:"report_panics"`
	EventsDropped  uint64 `json:"events_dropped"`

	InterceptorPanics uint64 `json:"interceptor_panics"`
}

type booksRow struct {
	Accepted        uint64 `json:"accepted"`
	Delivered       uint64 `json:"delivered"`
	Lost            uint64 `json:"lost"`
	Pending         uint64 `json:"pending"`
	MaybeDuplicated uint64 `json:"maybe_duplicated"`
	Refused         uint64 `json:"refused"` // for lack of room
}

type laneRow struct {
	Priority string  `json:"priority"`
	Cluster  string  `json:"cluster"`
	FellBack bool    `json:"fell_back"`
	Since    int64   `json:"since"`
	Switches uint64  `json:"switches"`
	Shedding bool    `json:"shedding"`
	Oldest   float64 `json:"oldest"`
	Held     int64   `json:"held"`
	booksRow
}

type lostRow struct {
	Reason string            `json:"reason"`
	Lost   map[string]uint64 `json:"lost"` // by priority
}

type refusedOf struct {
	Reason  string `json:"reason"`
	Records uint64 `json:"records"`
}

type clusterRow struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	Since      int64  `json:"since"` // zero after the settings dropped the cluster
	Reason     string `json:"reason"`
	Changes    uint64 `json:"changes"`
	Unnumbered string `json:"unnumbered"`
	booksRow
}

type topicRow struct {
	Topic    string `json:"topic"`
	Priority string `json:"priority"`
	Cluster  string `json:"cluster"`
	Held     int64  `json:"held"`
	Trouble  string `json:"trouble"`
	booksRow
}

type traffic struct {
	Requests       uint64  `json:"requests"`
	RequestRecords uint64  `json:"request_records"`
	RequestBytes   uint64  `json:"request_bytes"`
	Attempts       uint64  `json:"attempts"`
	Retries        uint64  `json:"retries"`
	Throttled      uint64  `json:"throttled"`
	ThrottledFor   float64 `json:"throttled_for"`
	OrderAtRisk    uint64  `json:"order_at_risk"`
}

type eventRow struct {
	At       int64  `json:"at"`
	Kind     string `json:"kind"`
	Cluster  string `json:"cluster"`
	State    string `json:"state"`
	Priority string `json:"priority"`
	From     string `json:"from"`
	Topic    string `json:"topic,omitzero"`
	Reason   string `json:"reason"`
}

// dataOf returns the figures of v for the page.
func (v *look) dataOf() data {
	s := &v.stats
	d := data{
		At: v.at.UnixMilli(), Began: v.began.UnixMilli(), Report: v.report,
		Held: s.HeldBytes, Max: s.MaxBytes, Beside: s.OverheadBytes, Total: booksOf(&s.Total),
		Traffic: traffic{s.Requests, s.RequestRecords, s.RequestBytes, s.Attempts, s.Retries,
			s.Throttled, s.ThrottledFor.Seconds(), s.OrderAtRisk},
		Delivery: s.DeliveryTime.Buckets[:], ReportsDropped: s.ReportsDropped,
		ReportPanics: s.ReportPanics, EventsDropped: s.EventsDropped,
		InterceptorPanics: s.InterceptorPanics,
	}
	d.Names.Known, d.Names.Lookups = s.Names.Known, s.Names.Lookups
	d.Names.Failures, d.Names.Stale = s.Names.Failures, s.Names.Stale
	for _, bound := range producer.HistogramBounds() {
		d.Bounds = append(d.Bounds, bound.Seconds())
	}
	for _, priority := range routing.All {
		if lane, ok := s.Lanes[priority]; ok {
			books := s.Priorities[priority]
			d.Lanes = append(d.Lanes, laneRow{priority.String(), lane.Cluster, lane.FellBack,
				millis(lane.Since), lane.Switches, lane.Shedding,
				lane.Oldest.Seconds(), s.Held[priority], booksOf(&books)})
		}
	}
	for reason := range delivery.Reasons {
		d.Lost = append(d.Lost, lostRow{because[reason], lostFor(s, reason)})
	}
	for _, r := range refused {
		d.Refused = append(d.Refused, refusedOf{r.why, s.Refused[r.err]})
	}
	d.addClusters(v)
	d.addTopics(v)
	for _, e := range v.history {
		row := eventRow{At: millis(e.At), Kind: e.Kind.String(), Cluster: e.Cluster,
			Priority: e.Priority.String(), From: e.From, Topic: e.Topic, Reason: cut(e.Reason)}
		if e.Kind == producer.EventCluster {
			row.State = e.State.String()
		}
		d.Events = append(d.Events, row)
	}
	return d
}

// addClusters adds the clusters, those in the settings first.
func (d *data) addClusters(v *look) {
	names := slices.Sorted(maps.Keys(v.stats.Clusters))
	slices.SortStableFunc(names, func(a, b string) int {
		return rank(v.inForce[a]) - rank(v.inForce[b])
	})
	d.ClustersLeftOut = max(0, len(names)-clustersMax)
	for _, name := range names[:len(names)-d.ClustersLeftOut] {
		c := v.stats.Clusters[name]
		d.Clusters = append(d.Clusters, clusterRow{name, c.State.String(), millis(c.Since),
			cut(c.Reason), c.Changes, cut(c.Unnumbered), booksOf(&c.Books)})
	}
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

func (d *data) addTopics(v *look) {
	d.TopicsLeftOut = len(v.stats.Topics) - len(v.topics)
	for _, t := range v.topics {
		d.Topics = append(d.Topics, topicRow{t.Topic, t.Priority.String(), t.Cluster, t.Held,
			cut(t.Trouble), booksOf(&t.Books)})
	}
}

// lostFor returns how many records of each priority were lost for reason.
func lostFor(s *producer.Stats, reason delivery.Reason) map[string]uint64 {
	lost := make(map[string]uint64)
	for priority, books := range s.Priorities {
		lost[priority.String()] = books.Lost(reason)
	}
	return lost
}

func booksOf(b *producer.Books) booksRow {
	return booksRow{b.Accepted, b.Delivered, lostOf(b), b.Pending, b.MaybeDuplicated, b.Refused}
}

// millis returns t in milliseconds since 1970, and 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
