package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
)

func newTestTable(rows, columns int) (*liveTable, *syncBuffer) {
	out := new(syncBuffer)
	return &liveTable{out: out, size: func() (int, int) { return rows, columns }}, out
}

func TestLiveTable_IsDrawnInPlaceAndMakesWayForWhatStays(t *testing.T) {
	d, out := newTestTable(24, 80)
	d.draw([]string{"a", "b"})
	d.draw([]string{"c", "d", "e"})
	d.say("stays")
	d.say("stays, too")
	d.draw([]string{"f"})
	d.end()
	d.end()
	require.Equal(t, "a\nb\n"+"\x1b[2A\x1b[Jc\nd\ne\n"+"\x1b[3A\x1b[Jstays\n"+"stays, too\n"+"f\n"+"\x1b[1A\x1b[J",
		out.String())
}

func TestLiveTable_KeepsToTheTerminal(t *testing.T) {
	d, out := newTestTable(5, 20)
	d.draw([]string{strings.Repeat("x", 100), "2", "3", "4", "5", "6"})
	require.Equal(t, 4, d.up, "one line is for the cursor")
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, len(line), 21)
	}
}

func TestTable_ShowsTopicsBucketsAndBrokers(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 3, 4, 0, time.UTC)
	report := &audit.Report{Sources: []audit.Presence{{Name: "shop", Silent: true, Quiet: time.Minute}}}
	for i := range audit.Bucket(5) {
		report.Rows = append(report.Rows, audit.Row{Topic: "orders", Bucket: audit.BucketOf(noon) - 4 + i,
			Counts: audit.Counts{Numbered: 1000, Delivered: 1000, Seen: 1000, Lost: uint64(i / 4)}})
	}
	report.Rows = append(report.Rows, audit.Row{Topic: "plays", Bucket: audit.BucketOf(noon),
		Counts: audit.Counts{Numbered: 7, Delivered: 7, Waiting: 7}, Live: true})
	for i := range report.Rows {
		report.Total.Add(&report.Rows[i].Counts)
	}
	lines := tableOf(&audit.Snapshot{At: noon, Report: report, Loads: []audit.LoadStats{{Sent: 5007}},
		Brokers: []audit.BrokerReport{{Broker: 3, State: audit.Slow, Sent: 60, Failed: 2,
			Partitions: []audit.HeartbeatReport{{Acknowledged: audit.Times{Median: time.Second}}}}}})
	text := strings.Join(lines, "\n")
	require.Equal(t, "12:03:04  sent 5,007, refused 0", lines[0])
	require.Regexp(t, `TOPIC +11:40 +11:50 +12:00 +COMPLETE`, lines[1])
	require.Regexp(t, `orders +100.0000 +100.0000 +99.9000 +99.9800 % +5,000 +1 +0 +0 +0`, lines[2])
	require.Regexp(t, `plays +- +- +- +- +0 +0 +0 +0 +7`, lines[3])
	require.Regexp(t, `3 +slow +1s +0s +0s +60 +2`, lines[5])
	require.Contains(t, text, "instance shop is silent")
	require.Equal(t, "faulty: see above", lines[len(lines)-1])
	require.Len(t, tableOf(&audit.Snapshot{At: noon}), 1, "an instance that only produces")
}
