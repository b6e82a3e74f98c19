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

// Status is the health of a producer, or the severity of a problem.
type Status string

// The statuses.
const (
	Well     Status = "well"     // nothing is wrong
	Impaired Status = "impaired" // something is wrong, but no record is lost
	Losing   Status = "losing"   // records are being lost or refused, or recently were
)

// Report is the answer of /health. The JSON names in it and in Problem never change; names may be
// added.
type Report struct {
	Status   Status    `json:"status"`
	Summary  string    `json:"summary"` // one sentence for people
	At       time.Time `json:"at"`      // when the figures were read
	Problems []Problem `json:"problems"`
	LeftOut  int       `json:"left_out"` // how many less important problems are not in Problems
}

// Problem is something that is not well.
type Problem struct {
	Kind   Kind   `json:"kind"`
	Status Status `json:"status"` // Impaired or Losing
	Text   string `json:"text"`   // what is wrong, in words
	Reason string `json:"reason,omitzero"`
	// what somebody has to do to end it, if anything
	Remedy string `json:"remedy,omitzero"`

	Cause producer.Cause `json:"cause,omitzero"` // for KindTopic and KindTrouble

	// the subject, as far as it is one cluster, priority or topic
	Cluster  string           `json:"cluster,omitzero"`
	Priority routing.Priority `json:"priority,omitzero"`
	Topic    string           `json:"topic,omitzero"`

	Since time.Time `json:"since,omitzero"` // when the problem or the count began
	// how many records or reports were lost since then, or how many records wait
	Count uint64 `json:"count,omitzero"`
}

// Kind is the kind of a problem.
type Kind string

// The kinds of problems.
const (
	KindShedding   Kind = "shedding"   // a priority loses or refuses records: the buffer is full
	KindLost       Kind = "lost"       // records of a priority were recently lost
	KindRefused    Kind = "refused"    // Send recently refused records
	KindCluster    Kind = "cluster"    // a cluster is not up
	KindFallback   Kind = "fallback"   // a priority is on its fallback cluster
	KindTopic      Kind = "topic"      // records of a topic wait although their cluster answers
	KindTrouble    Kind = "trouble"    // records of a priority wait, whatever their topic
	KindUnnumbered Kind = "unnumbered" // a cluster gives no producer ID: duplicates are possible
	KindBuffer     Kind = "buffer"     // the buffer is nearly full
	KindCallback   Kind = "callback"   // a callback of the application fell behind, or panicked
	KindSettings   Kind = "settings"   // the new settings are invalid and not in force
	KindClosed     Kind = "closed"     // the producer was closed
)

const (
	problemsMax = 50
	textMax     = 400 // characters of a text from elsewhere
)

// reportOf returns the report of v. The counters lost had the values before at since.
func (v *look) reportOf(lost []loss, before []uint64, since time.Time) Report {
	var all []Problem
	for _, priority := range routing.All {
		if lane := v.stats.Lanes[priority]; lane.Shedding {
			all = append(all, Problem{Kind: KindShedding, Status: Losing, Priority: priority,
				Cluster: lane.Cluster, Reason: "the buffer is full",
				Text: fmt.Sprintf("records of %v priority are being lost or refused", priority)})
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
	slices.SortStableFunc(all, func(a, b Problem) int { // "losing" first
		return strings.Compare(string(b.Status), string(a.Status))
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

// summary describes the worst problem, and names the clusters that are not up, as possible causes.
// It has no counts of records, because screen readers read it aloud whenever it changes.
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

// clustersNamed is the most clusters that a summary names beside the first problem.
const clustersNamed = 5

// joined returns texts as a list in words.
func joined(texts []string) string {
	last := len(texts) - 1
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + ", and " + texts[last]
}

// sentence returns text as a sentence. The text begins with an ASCII letter.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// clusterProblems reports the clusters that are not up or give no producer ID.
func (v *look) clusterProblems() (all []Problem) {
	closed := v.stats.Closed
	for _, name := range slices.Sorted(maps.Keys(v.stats.Clusters)) {
		c := v.stats.Clusters[name]
		problem := Problem{Status: Impaired, Cluster: name, Count: c.Pending}
		switch {
		case !v.inForce[name]:
			continue // the settings dropped it, so nobody misses it
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
			problem.Text = fmt.Sprintf("cluster %s gives no producer ID, so its log may have "+
				"duplicates", name)
			all = append(all, problem)
		}
	}
	if closed {
		all = append(all, Problem{Kind: KindClosed, Status: Impaired,
			Text: "the producer is closed"})
	}
	return all
}

// fallbacks reports the priorities that are on a fallback cluster.
func (v *look) fallbacks() (all []Problem) {
	for _, priority := range routing.All {
		if lane := v.stats.Lanes[priority]; lane.FellBack {
			all = append(all, Problem{Kind: KindFallback, Status: Impaired, Priority: priority,
				Cluster: lane.Cluster, Since: lane.Since, Reason: v.whyFellBack(priority),
				Text: fmt.Sprintf("%v priority has fallen back to cluster %s", priority,
					lane.Cluster)})
		}
	}
	return all
}

// whyFellBack returns why a priority is on a fallback: the present state of its own cluster if that
// is not ready, or else the reason of the event.
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

// behind reports the records that still wait for the cluster that their priority has left, because
// the fallback does not take their topics.
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

// buffer reports a buffer that is at least nine tenths full: from there on lower priorities make
// room.
func (v *look) buffer() []Problem {
	if v.stats.HeldBytes < v.stats.MaxBytes/10*9 {
		return nil
	}
	return []Problem{{Kind: KindBuffer, Status: Impaired, Count: v.stats.Total.Pending,
		Text: "the buffer is nearly full"}}
}

// refusedSettings reports invalid settings that are not in force.
func (v *look) refusedSettings() []Problem {
	s := v.stats.Settings
	if s.Refused == "" {
		return nil
	}
	return []Problem{{Kind: KindSettings, Status: Impaired, Since: s.RefusedAt,
		Text: "the new settings in " + cut(s.Source) + " are not in force", Reason: cut(s.Refused)}}
}

// troubles reports why records wait although their cluster answers, and how many more topics are in
// trouble.
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

// cut shortens text to textMax characters.
func cut(text string) string {
	if utf8.RuneCountInString(text) <= textMax {
		return text
	}
	return string([]rune(text)[:textMax]) + "…"
}
