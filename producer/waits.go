package producer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// causesMax is how many causes an error lists.
const causesMax = 5

// waitsFor says in words why what is held has no outcome yet, empty where nothing is known.
func (p *Producer) waitsFor() string {
	s, lanes := p.Stats(), p.setup.Load()
	var words []string
	for _, name := range slices.Sorted(maps.Keys(s.Clusters)) {
		if c := s.Clusters[name]; c.Pending > 0 && !c.State.Ready() && c.State != ClusterClosed {
			words = append(words, fmt.Sprintf("cluster %s is %v: %s", name, c.State, c.Reason))
		}
	}
	for i := range s.Topics {
		row := &s.Topics[i]
		if row.Pending == 0 || s.Clusters[row.Cluster].Pending > 0 &&
			!s.Clusters[row.Cluster].State.Ready() {
			continue
		}
		if l := lanes.lanes[row.Priority]; l != nil {
			words = append(words, l.WaitsFor(row.Topic)...)
		}
	}
	for l := range lanes.eachLane {
		words = append(words, l.WaitsFor("")...)
	}
	slices.Sort(words) // clusters come before topics
	words = slices.Compact(words)
	if more := len(words) - causesMax; more > 0 {
		words = append(words[:causesMax], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, "; ")
}

// because returns what waitsFor says, for the end of a message.
func (p *Producer) because() string {
	if words := p.waitsFor(); words != "" {
		return " (" + words + ")"
	}
	return ""
}
