package watch

import (
	"fmt"
	"slices"
	"time"

	"github.com/forebay-go/forebay/audit"
)

// Status is the health of an audit, or the severity of a problem.
type Status string

// The statuses.
const (
	Well     Status = "well"     // nothing is wrong
	Impaired Status = "impaired" // nothing faulty was found, and something is not as it should be
	Faulty   Status = "faulty"   // the verdict is audit.Faulty
)

// Report is the answer of /health. The JSON names in it and in Problem never change; names may be
// added.
type Report struct {
	Status   Status    `json:"status"`
	Summary  string    `json:"summary"` // one sentence for people
	At       time.Time `json:"at"`      // when the figures were read
	Instance string    `json:"instance"`

	// Verdict is what the report comes to; empty for an instance that only produces.
	Verdict  audit.Verdict `json:"verdict"`
	Complete string        `json:"complete"` // to four digits; "-" while nothing is decided
	Total    audit.Counts  `json:"total"`

	Brokers []Broker `json:"brokers"`

	Problems []Problem `json:"problems"`
	LeftOut  int       `json:"left_out"` // how many less important problems are not in Problems
}

// Broker is how a broker is.
type Broker struct {
	Broker int32             `json:"broker"`
	Host   string            `json:"host"`
	State  audit.BrokerState `json:"state"`
	Since  time.Time         `json:"since"`
}

// Problem is something that is not as it should be.
type Problem struct {
	Kind   Kind   `json:"kind"`
	Status Status `json:"status"` // Impaired or Faulty
	Text   string `json:"text"`   // what is wrong, in words

	// the subject, as far as it is one
	Topic    string        `json:"topic,omitzero"`
	Bucket   *audit.Bucket `json:"bucket,omitempty"`
	Instance string        `json:"instance,omitzero"` // or reader
	Broker   *int32        `json:"broker,omitempty"`

	Since    time.Time `json:"since,omitzero"`
	Count    uint64    `json:"count,omitzero"` // records
	Examples []uint64  `json:"examples,omitempty"`
}

// Kind is the kind of a problem.
type Kind string

// The kinds of problems.
const (
	KindLost         Kind = "lost"         // records are not in the log
	KindTwice        Kind = "twice"        // records are there twice, without an explanation
	KindOrder        Kind = "order"        // records are behind a later one of their key
	KindContradicted Kind = "contradicted" // records are there that were called lost
	KindSilent       Kind = "silent"       // an instance or a reader is silent
	KindBroker       Kind = "broker"       // a broker is slow, dead or not watched
	KindUnstated     Kind = "unstated"     // an instance could not state all
	KindStuck        Kind = "stuck"        // records are open that should be decided
	KindUnchecked    Kind = "unchecked"    // records were not read, or are in another cluster
	KindNothing      Kind = "nothing"      // no audited record was stated
	KindMissing      Kind = "missing"      // a topic that the audit needs is not there
	KindLoad         Kind = "load"         // a load is behind its rate
)

const problemsMax = 50

// reportOf returns the report of a snapshot.
func reportOf(s *audit.Snapshot) Report {
	r := Report{Status: Well, At: s.At, Instance: s.Instance, Complete: "-", Brokers: []Broker{},
		Problems: []Problem{}}
	for i := range s.Brokers {
		b := &s.Brokers[i]
		r.Brokers = append(r.Brokers, Broker{b.Broker, b.Host, b.State, b.Since})
	}
	var all []Problem
	if s.Report != nil {
		r.Verdict, r.Total = s.Report.Verdict(), s.Report.Total
		r.Complete = r.Total.Percent()
		all = slices.Concat(faults(s.Report), silent(s.Report), undecided(s.Report))
	}
	all = slices.Concat(missing(s), all, brokerProblems(s), loadProblems(s))
	slices.SortStableFunc(all, func(a, b Problem) int { return rank(a.Status) - rank(b.Status) })
	r.Problems = append(r.Problems, all[:min(len(all), problemsMax)]...)
	r.LeftOut = len(all) - len(r.Problems)
	if len(all) > 0 {
		r.Status = all[0].Status
	}
	r.Summary = summary(s, &r)
	return r
}

// rank sorts what is faulty before the rest.
func rank(s Status) int {
	if s == Faulty {
		return 0
	}
	return 1
}

// summary says what the report comes to. It has no counts, because screen readers read it aloud
// whenever it changes.
func summary(s *audit.Snapshot, r *Report) string {
	switch {
	case r.Status == Faulty:
		return "Faulty: " + r.Problems[0].Text + "."
	case r.Status == Impaired && r.Verdict == audit.Whole:
		return "Every decided record is in the log, but " + r.Problems[0].Text + "."
	case r.Status == Impaired:
		return capital(r.Problems[0].Text) + "."
	case s.Report == nil:
		return "This instance sends, and does not read: other instances have the verdict."
	}
	return "Every decided record is in the log, once and in order."
}

// faults returns what is wrong with records.
func faults(report *audit.Report) (all []Problem) {
	for i := range report.Rows {
		row := &report.Rows[i]
		for _, f := range []struct {
			kind Kind
			n    uint64
			text string
		}{
			{KindLost, row.Lost, "Kafka has acknowledged records of topic %s that are not in the " +
				"log"},
			{KindTwice, row.Unexplained, "records of topic %s are in the log twice, and their " +
				"producer has not sent them twice"},
			{KindOrder, row.OutOfOrder, "records of topic %s are behind a later one of their key"},
			{KindContradicted, row.Contradicted, "records of topic %s are in the log that their " +
				"producer has called lost"},
		} {
			if f.n > 0 {
				all = append(all, Problem{Kind: f.kind, Status: Faulty, Count: f.n,
					Text: fmt.Sprintf(f.text, row.Topic), Topic: row.Topic, Bucket: &row.Bucket,
					Instance: row.Instance, Examples: row.Examples})
			}
		}
	}
	return all
}

// silent returns who does not speak any more, and who could not state all.
func silent(report *audit.Report) (all []Problem) {
	for _, who := range []struct {
		kind string
		list []audit.Presence
	}{{"instance", report.Sources}, {"reader", report.Readers}} {
		for i := range who.list {
			p := &who.list[i]
			if p.Silent {
				all = append(all, Problem{Kind: KindSilent, Status: Impaired, Instance: p.Name,
					Text: who.kind + " " + p.Name + " is silent, and did not say that it ends"})
			}
			if p.Unstated > 0 {
				all = append(all, Problem{Kind: KindUnstated, Status: Impaired, Instance: p.Name,
					Count: p.Unstated,
					Text:  who.kind + " " + p.Name + " could not state what became of all records"})
			}
		}
	}
	return all
}

// undecided returns why the verdict cannot be whole.
func undecided(report *audit.Report) (all []Problem) {
	t := &report.Total
	for _, f := range []struct {
		kind Kind
		n    uint64
		text string
	}{
		{KindStuck, report.Open(), "records are open that should be decided by now"},
		{KindUnchecked, t.Skipped, "delivered records were not read: retention had deleted them, " +
			"or reading began behind them"},
		{KindUnchecked, t.Elsewhere, "records are in another cluster than the one that is read"},
	} {
		if f.n > 0 {
			all = append(all, Problem{Kind: f.kind, Status: Impaired, Count: f.n, Text: f.text})
		}
	}
	if t.Numbered == 0 {
		all = append(all, Problem{Kind: KindNothing, Status: Impaired,
			Text: "no audited record was stated yet"})
	}
	return all
}

// missing returns the topics that the audit needs and that are not as they should be.
func missing(s *audit.Snapshot) (all []Problem) {
	for _, n := range s.Unmet {
		all = append(all, Problem{Kind: KindMissing, Status: Impaired, Topic: n.Topic,
			Text: n.String()})
	}
	return all
}

// brokerProblems returns the brokers that are not well.
func brokerProblems(s *audit.Snapshot) (all []Problem) {
	for i := range s.Brokers {
		b := &s.Brokers[i]
		text := ""
		switch b.State {
		case audit.Slow:
			text = "broker %d (%s) is slow"
		case audit.Dead:
			text = "broker %d (%s) acknowledges nothing"
		case audit.Unwatched:
			text = "broker %d (%s) leads no partition of the heartbeat topic, and is not watched"
		default:
			continue
		}
		all = append(all, Problem{Kind: KindBroker, Status: Impaired, Broker: &b.Broker,
			Since: b.Since, Text: fmt.Sprintf(text, b.Broker, b.Host)})
	}
	return all
}

// lateLoad is how far a load may be behind its rate.
const lateLoad = time.Second

// loadProblems returns the loads that are behind.
func loadProblems(s *audit.Snapshot) (all []Problem) {
	for i := range s.Loads {
		l := &s.Loads[i]
		if l.Late > lateLoad {
			all = append(all, Problem{Kind: KindLoad, Status: Impaired, Topic: l.Topic,
				Text: "the load of topic " + l.Topic + " is behind its rate"})
		}
	}
	return all
}

// capital makes the first letter of an English text large.
func capital(text string) string {
	if text[0] >= 'a' && text[0] <= 'z' {
		return string(text[0]-'a'+'A') + text[1:]
	}
	return text
}
