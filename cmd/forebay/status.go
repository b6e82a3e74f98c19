package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// stalled is how long nothing must be delivered before the status says so.
const stalled = 5 * time.Second

// status is the progress at one moment.
type status struct {
	at        time.Time
	delivered uint64
	waiting   uint64
	lost      uint64 // accepted, then given up
	state     producer.ClusterState
	reason    string        // why the cluster is not up
	read      float64       // the part of the input read so far, 0 to 1; NaN if its size is unknown
	rate      float64       // records delivered per second, over the last seconds
	idle      time.Duration // since the last delivery
	topic     string
	trouble   string // what is wrong with the topic, as the cluster reports it
}

// newStatus returns the status of a run that sends in to a topic of a cluster.
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

// String returns the status as one line. If the cluster is not up, the reason comes first: a narrow
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
