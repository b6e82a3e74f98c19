package watch

import (
	"time"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/delivery"
)

// noon is when the snapshots of these tests were taken.
var noon = time.Date(2026, 3, 1, 12, 5, 30, 0, time.UTC)

// counts returns the account of records that are all there.
func counts(n uint64) audit.Counts {
	return audit.Counts{Numbered: n, Delivered: n, Seen: n}
}

// well returns a snapshot of an instance that nothing is wrong with.
func well() audit.Snapshot {
	bucket := audit.BucketOf(noon)
	report := &audit.Report{Rows: []audit.Row{
		{Topic: "orders", Bucket: bucket - 1, Instance: "shop", Run: 1, Counts: counts(2_000_000),
			Closed: true},
		{Topic: "orders", Bucket: bucket, Instance: "shop", Run: 1, Counts: counts(1000), Live: true},
		{Topic: "plays", Bucket: bucket, Instance: "player", Run: 2, Counts: counts(500), Live: true},
	},
		Sources:    []audit.Presence{{Name: "shop", Run: 1}, {Name: "player", Run: 2}},
		Readers:    []audit.Presence{{Name: "r-1"}},
		Partitions: []audit.PartitionReport{{Topic: "orders", Bare: 3, Garbled: 4}},
	}
	for i := range report.Rows {
		report.Total.Add(&report.Rows[i].Counts)
	}
	var times delivery.Histogram
	times.Buckets[0], times.Buckets[5], times.Sum = 900, 100, 21
	return audit.Snapshot{At: noon, Began: noon.Add(-time.Hour), Instance: "auditor-1",
		Role: audit.Both, Report: report, Read: 2_001_600, Numbered: 2_001_500,
		Topics: []audit.ReadTopic{{Topic: "orders", Partitions: 6, Unread: 12, OneClock: times},
			{Topic: "plays", Partitions: 2, TwoClocks: times}},
		Brokers: []audit.BrokerReport{{Broker: 1, Host: "kafka-1:9092", State: audit.Well,
			Since: noon.Add(-time.Hour), Sent: 3600, Acknowledged: times, Read: times,
			Partitions: []audit.HeartbeatReport{{Partition: 0,
				Acknowledged: audit.Times{Median: 2 * time.Millisecond, Longest: 9 * time.Millisecond},
				Read:         audit.Times{Median: 4 * time.Millisecond}}},
			Past: []audit.BrokerMinute{{Start: noon.Truncate(time.Minute), State: audit.Well,
				Acknowledged: 30, Longest: 9 * time.Millisecond}}}},
		Loads: []audit.LoadStats{{Topic: "orders", Sent: 2_001_000}}}
}

// change returns a snapshot of which something is changed. The total is counted anew.
func change(fn func(*audit.Snapshot)) audit.Snapshot {
	s := well()
	fn(&s)
	if s.Report != nil {
		s.Report.Total = audit.Counts{}
		for i := range s.Report.Rows {
			s.Report.Total.Add(&s.Report.Rows[i].Counts)
		}
	}
	return s
}

func of(s audit.Snapshot) *Watch { return New(func() audit.Snapshot { return s }) }
