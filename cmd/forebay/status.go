package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/forebay-go/forebay/producer"
)

// stalled is how long nothing is delivered before the status says so.
const stalled = 5 * time.Second

// status is what the progress shows of one moment.
type status struct {
	at        time.Time
	delivered uint64
	waiting   uint64
	lost      uint64 // accepted and given up
	state     producer.ClusterState
	reason    string  // why the cluster is not up
	read      float64 // the part of the input that was read, 0 to 1; NaN if its size is not known
	rate      float64 // records delivered per second, of late
	idle      time.Duration
	topic     string
	trouble   string // what the cluster says is wrong with the topic
}

// newStatus returns the status that follows from stats and what was read of in, of a topic on its
// way to a cluster.
func newStatus(at time.Time, s *producer.Stats, in *input, topic, cluster string) status {
	read := math.NaN()
	if in.total > 0 {
		read = min(1, float64(in.read.Load())/float64(in.total))
	}
	c := s.Clusters[cluster]
	trouble := ""
	if len(s.Topics) > 0 {
		trouble = s.Topics[0].Trouble
	}
	return status{
		at: at, topic: topic, trouble: trouble, read: read,
		delivered: s.Total.Delivered,
		waiting:   s.Total.Pending,
		lost:      s.Total.Accepted - s.Total.Delivered - s.Total.Pending,
		state:     c.State,
		reason:    c.Reason,
	}
}

// String returns the status in a line. Where the cluster is not up, why comes first: a narrow
// terminal cuts the end.
func (s status) String() string {
	text := fmt.Sprintf("%s delivered, %s/s, %s waiting", count(s.delivered), perSecond(s.rate),
		count(s.waiting))
	if s.lost > 0 {
		text += fmt.Sprintf(", %s not delivered", count(s.lost))
	}
	cluster := "cluster " + s.state.String()
	if s.state != producer.Up {
		if s.reason != "" {
			cluster += ": " + strings.Join(strings.Fields(s.reason), " ")
		}
		return cluster + "; " + text
	}
	text += ", " + cluster
	if s.waiting > 0 && s.idle >= stalled {
		text += fmt.Sprintf(", nothing delivered for %v", s.idle.Truncate(time.Second))
		if s.trouble != "" {
			text += fmt.Sprintf(": topic %s: %s", s.topic, s.trouble)
		}
	}
	return text
}

func count(n uint64) string { return humanize.Comma(int64(n)) }

func perSecond(rate float64) string { return humanize.Comma(int64(math.Round(rate))) }
