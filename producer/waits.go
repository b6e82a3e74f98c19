package producer

import (
	"fmt"
	"slices"
	"strings"
)

// causesMax is how many causes an error lists.
const causesMax = 5

// waitsFor says in words why what is held has no outcome yet, of a topic or of all, empty where
// nothing is known.
func (p *Producer) waitsFor(topic string) string {
	s, lanes := p.Stats(), p.setup.Load()
	var words []string
	for i := range s.Topics {
		row := &s.Topics[i]
		if row.Pending == 0 || topic != "" && topic != row.Topic {
			continue
		}
		switch c := s.Clusters[row.Cluster]; {
		case c.State == ClusterClosed:
		case !c.State.Ready():
			words = append(words, fmt.Sprintf("cluster %s is %v: %s", row.Cluster, c.State,
				c.Reason))
		case lanes.lanes[row.Priority] != nil:
			words = append(words, lanes.lanes[row.Priority].WaitsFor(row.Topic)...)
		}
	}
	for l := range lanes.eachLane {
		words = append(append(words, l.WaitsFor("")...), l.OnHold(topic)...)
	}
	slices.Sort(words) // clusters come before topics
	words = slices.Compact(words)
	if more := len(words) - causesMax; more > 0 {
		words = append(words[:causesMax], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, "; ")
}

// because returns what waitsFor says, for the end of a message.
func (p *Producer) because(topic string) string {
	if words := p.waitsFor(topic); words != "" {
		return " (" + words + ")"
	}
	return ""
}
