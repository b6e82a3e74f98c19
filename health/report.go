package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Status says how a producer is, or how bad a problem is.
type Status string

// The statuses.
const (
	Well     Status = "well"     // nothing is wrong
	Impaired Status = "impaired" // something is wrong, and nothing is lost by it
	Losing   Status = "losing"   // records were lost or refused of late, or are now
)

// Report is the answer of /health. Its names, and those of Problem, stay as they are; there may be
// more of them.
type Report struct {
	Status   Status    `json:"status"`
	Summary  string    `json:"summary"` // one sentence for people
	At       time.Time `json:"at"`      // when the producer was looked at
	Problems []Problem `json:"problems"`
	// problems that are not among Problems, which are those that matter most
	LeftOut int `json:"left_out"`
}

// Problem is something that is not well.
type Problem struct {
	Kind   Kind   `json:"kind"`
	Status Status `json:"status"` // Impaired or Losing
	Text   string `json:"text"`   // what is wrong, in words
	Reason string `json:"reason,omitzero"`
	// what ends it, in words, where somebody has to do something
	Remedy string `json:"remedy,omitzero"`

	Cause producer.Cause `json:"cause,omitzero"` // of KindTopic and KindTrouble

	// what it is about, as far as it is about one
	Cluster  string           `json:"cluster,omitzero"`
	Priority routing.Priority `json:"priority,omitzero"`
	Topic    string           `json:"topic,omitzero"`

	Since time.Time `json:"since,omitzero"` // since when that is so, or when counting began
	// how many records, or reports, it has cost since then, or hold because of it
	Count uint64 `json:"count,omitzero"`
}

// Kind says what a problem is about.
type Kind string

// The kinds of problems.
const (
	// a priority loses records, or refuses them, for lack of room
	KindShedding Kind = "shedding"
	KindLost     Kind = "lost"     // records of a priority were lost of late
	KindRefused  Kind = "refused"  // Send has refused records of late
	KindCluster  Kind = "cluster"  // a cluster is not up
	KindFallback Kind = "fallback" // a priority goes to another cluster than its own
	KindTopic    Kind = "topic"    // records of a topic wait although their cluster answers
	// records of a priority wait for something that is not about one topic
	KindTrouble Kind = "trouble"
	// a cluster gives us no producer ID: its log may have records twice
	KindUnnumbered Kind = "unnumbered"
	KindBuffer     Kind = "buffer"   // nearly all of the memory is in use
	KindCallback   Kind = "callback" // the application does not take what it asked to be told
	// the source of the settings says something that is wrong, so it is not in force
	KindSettings Kind = "settings"
	KindClosed   Kind = "closed" // the producer was closed
)

const (
	problemsMax = 50
	textMax     = 400 // characters of what comes from others
)

// reportOf says what is wrong. Of the counters lost, before are what they were at since.
func (v *look) reportOf(lost []loss, before []uint64, since time.Time) Report {
	var all []Problem
	for _, priority := range routing.All {
		if lane := v.stats.Lanes[priority]; lane.Shedding {
			all = append(all, Problem{Kind: KindShedding, Status: Losing, Priority: priority,
				Cluster: lane.Cluster,
				Text: fmt.Sprintf("records of %v priority are being lost or refused",
					priority), Reason: "there is no room for them"})
		}
	}
	for i, l := range lost {
		if l.n > before[i] {
			l.problem.Since, l.problem.Count = since, l.n-before[i]
			all = append(all, l.problem)
		}
	}
	troubles, more := v.troubles()
	all = slices.Concat(all, v.clusterProblems(), v.fallbacks(), v.behind(), v.buffer(),
		v.refusedSettings(), troubles)
	// "losing" first
	slices.SortStableFunc(all, func(a, b Problem) int {
		return strings.Compare(string(b.Status),
			string(a.Status))
	})
	r := Report{Status: Well, Summary: "All is well.", At: v.at,
		Problems: all[:min(len(all), problemsMax)]}
	r.LeftOut = len(all) - len(r.Problems) + more
	if len(all) == 0 {
		r.Problems = []Problem{} // not null
		return r
	}
	r.Status, r.Summary = all[0].Status, summary(all)
	return r
}

// summary says in words what is worst, and which clusters it may come from: all that are not up. It
// has no figures of records: it is to be read aloud only when it changes.
func summary(problems []Problem) string {
	first, rest := problems[0], problems[1:]
	var clusters []string
	for _, p := range rest {
		if p.Kind == KindCluster {
			clusters = append(clusters, p.Text)
		}
	}
	if more := len(clusters) - clustersNamed; more > 0 {
		clusters = append(clusters[:clustersNamed],
			fmt.Sprintf("%d more clusters are not up", more))
	}
	if first.Status != Losing {
		texts := append([]string{first.Text}, clusters...)
		if len(clusters) == 0 && len(rest) > 0 {
			texts = append(texts, rest[0].Text)
		}
		return "Nothing is being lost, but " + joined(texts) + "."
	}
	text := sentence(first.Text + ": " + first.Reason)
	if len(clusters) > 0 {
		text += " " + sentence(joined(clusters))
	}
	return text
}

// clustersNamed is how many clusters that are not up a summary names, beside the first problem.
const clustersNamed = 5

// joined returns texts as an enumeration.
func joined(texts []string) string {
	last := len(texts) - 1
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + ", and " + texts[last]
}

// sentence returns text, which begins with a letter of ASCII, as a sentence.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// clusterProblems tells of the clusters that are not up, and of those that give us no producer ID.
func (v *look) clusterProblems() (all []Problem) {
	closed := v.stats.Closed
	for _, name := range slices.Sorted(maps.Keys(v.stats.Clusters)) {
		c := v.stats.Clusters[name]
		problem := Problem{Status: Impaired, Cluster: name, Count: c.Pending}
		switch {
		case !v.inForce[name]:
			continue // its settings were removed, so nobody misses it
		case c.State == producer.ClusterClosed:
			closed = true
		case c.State != producer.Up:
			problem.Kind, problem.Reason, problem.Since = KindCluster, cut(c.Reason), c.Since
			problem.Text = fmt.Sprintf("cluster %s is %v", name, c.State)
			all = append(all, problem)
		}
		if c.Unnumbered != "" {
			problem.Kind, problem.Reason = KindUnnumbered, cut(c.Unnumbered)
			problem.Since = time.Time{}
			problem.Text = fmt.Sprintf("cluster %s gives us no producer ID, so its log may have "+
				"records twice", name)
			all = append(all, problem)
		}
	}
	if closed {
		all = append(all, Problem{Kind: KindClosed, Status: Impaired,
			Text: "the producer is closed"})
	}
	return all
}

// fallbacks tells of the priorities that go to another cluster than their own.
func (v *look) fallbacks() (all []Problem) {
	for _, priority := range routing.All {
		if lane := v.stats.Lanes[priority]; lane.FellBack {
			all = append(all, Problem{Kind: KindFallback, Status: Impaired, Priority: priority,
				Cluster: lane.Cluster, Since: lane.Since,
				Text: fmt.Sprintf("%v priority has fallen back to cluster %s", priority,
					lane.Cluster), Reason: v.whyFellBack(priority)})
		}
	}
	return all
}

// whyFellBack says why a priority does not go to its own cluster: what keeps it from there now, or
// else what the event of it said then.
func (v *look) whyFellBack(priority routing.Priority) string {
	fell := v.fell[priority]
	for _, e := range slices.Backward(v.history) {
		if e.Kind == producer.EventFellBack && e.Priority == priority {
			fell.Reason = e.Reason
			if fell.From == "" {
				fell.From = e.From
			}
			break
		}
	}
	if c, ok := v.stats.Clusters[fell.From]; ok && !c.State.Ready() {
		return cut(fmt.Sprintf("%s is %v: %s", fell.From, c.State, c.Reason))
	}
	return cut(fell.Reason)
}

// behind tells of the records that wait for a cluster which their priority has left: those of
// topics that the fallback does not take.
func (v *look) behind() (all []Problem) {
	type way struct {
		priority routing.Priority
		cluster  string
	}
	waiting := make(map[way]uint64)
	for i := range v.stats.Topics {
		row := &v.stats.Topics[i]
		if lane := v.stats.Lanes[row.Priority]; lane.FellBack && row.Cluster != lane.Cluster &&
			!v.stats.Clusters[row.Cluster].State.Ready() {
			waiting[way{row.Priority, row.Cluster}] += row.Pending
		}
	}
	for _, priority := range routing.All {
		for _, name := range slices.Sorted(maps.Keys(v.stats.Clusters)) {
			n, c := waiting[way{priority, name}], v.stats.Clusters[name]
			if n == 0 {
				continue
			}
			all = append(all, Problem{Kind: KindTrouble, Status: Impaired, Priority: priority,
				Cluster: name, Count: n, Since: c.Since,
				Text: fmt.Sprintf("records of %v priority that its fallback does not take "+
					"wait for cluster %s", priority, name),
				Reason: cut(fmt.Sprintf("%s is %v: %s", name, c.State, c.Reason))})
		}
	}
	return all
}

// buffer tells of a memory that is nearly full: nine tenths, from where on lower priorities make
// room.
func (v *look) buffer() []Problem {
	if v.stats.HeldBytes < v.stats.MaxBytes/10*9 {
		return nil
	}
	return []Problem{{Kind: KindBuffer, Status: Impaired, Count: v.stats.Total.Pending,
		Text: "the buffer is nearly full"}}
}

// refusedSettings tells of what a source says that is not in force.
func (v *look) refusedSettings() []Problem {
	s := v.stats.Settings
	if s.Refused == "" {
		return nil
	}
	return []Problem{{Kind: KindSettings, Status: Impaired, Since: s.RefusedAt,
		Reason: cut(s.Refused),
		Text:   "what " + cut(s.Source) + " says now is not in force"}}
}

// troubles tells of what records wait for although their cluster answers, and of how many more
// topics there are.
func (v *look) troubles() (all []Problem, more int) {
	of := make(map[topicKey]*producer.Trouble)
	for i := range v.stats.Troubles {
		t := &v.stats.Troubles[i]
		if t.Topic == "" {
			all = append(all, problemOf(t, fmt.Sprintf("records of %v priority wait for cluster %s",
				t.Priority, t.Cluster)))
		} else {
			of[topicKey{t.Topic, t.Priority}] = t
		}
	}
	told := 0
	for _, row := range v.topics {
		if row.Trouble == "" {
			continue
		}
		told++
		text := "records of topic " + row.Topic + " wait"
		if t := of[topicKey{row.Topic, row.Priority}]; t != nil {
			all = append(all, problemOf(t, text))
			continue
		}
		all = append(all, Problem{Kind: KindTopic, Status: Impaired, Topic: row.Topic,
			Priority: row.Priority, Cluster: row.Cluster,
			Text: text, Reason: cut(row.Trouble), Count: row.Pending})
	}
	return all, v.trouble - told
}

type topicKey struct {
	topic    string
	priority routing.Priority
}

func problemOf(t *producer.Trouble, text string) Problem {
	p := Problem{Kind: KindTopic, Status: Impaired, Text: text, Reason: cut(t.Reason),
		Remedy: cut(t.Remedy), Cause: t.Cause,
		Cluster: t.Cluster, Priority: t.Priority, Topic: t.Topic, Since: t.Since, Count: t.Records}
	if t.Topic == "" {
		p.Kind = KindTrouble
	}
	return p
}

// cut returns text without what is too long for a page.
func cut(text string) string {
	if utf8.RuneCountInString(text) <= textMax {
		return text
	}
	return string([]rune(text)[:textMax]) + "…"
}
