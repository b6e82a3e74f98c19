package preflight

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/forebay-go/forebay/routing"
)

// Report is the result of a check. Nothing changes it after it was returned. The zero value is that
// of a check of no cluster: nothing was found, and Err returns nil.
type Report struct {
	Clusters []Cluster // by name
}

// Cluster is what was found about a cluster of the settings.
type Cluster struct {
	Name     string
	ID       string `json:",omitempty"` // as the brokers report it; empty: not known
	Brokers  int    // in the cluster; 0: not known
	Findings []Finding
	Topics   []Topic // the higher priority first
}

// Topic is what was found about a topic in a cluster, for the records of one priority. What is not
// known is zero.
type Topic struct {
	Name     string // its name in that cluster
	Priority routing.Priority
	Fallback bool // records come here only while another cluster is down

	Partitions      int           // 0: it does not exist, or could not be asked about
	Replicas        int           // of the partition with the fewest
	InSync          int           // replicas in sync, of the partition with the fewest
	MinInSync       int           // min.insync.replicas of the topic
	MaxMessageBytes int           // max.message.bytes of the topic, in bytes
	Retention       time.Duration // retention.ms of the topic; negative: forever

	Findings []Finding
}

// Level returns the most serious level in the report.
func (r Report) Level() Level {
	level := OK
	for _, c := range r.Clusters {
		level = max(level, c.Level())
	}
	return level
}

// Level returns the most serious level of the cluster and its topics.
func (c Cluster) Level() Level {
	level := worst(c.Findings)
	for _, t := range c.Topics {
		level = max(level, worst(t.Findings))
	}
	return level
}

// Err returns all problems as one error, a line each, or nil if there is none. Warnings are not in
// it. Each line says which cluster, which broker or topic, what is wrong and what to do.
func (r Report) Err() error {
	var errs []error
	for _, c := range r.Clusters {
		errs = append(errs, c.problems()...)
	}
	return joined(errs)
}

// Err returns the problems of the cluster and its topics, as Report.Err does.
func (c Cluster) Err() error { return joined(c.problems()) }

func joined(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("forebay: preflight:\n%w", errors.Join(errs...))
}

func (c Cluster) problems() (errs []error) {
	for about, f := range c.All() {
		if f.Level < Problem {
			continue
		}
		where := "cluster " + c.Name
		if about != "" {
			where += ": " + about
		}
		errs = append(errs, fmt.Errorf("%s: %s", where, f.Text))
	}
	return errs
}

// All ranges over the findings of the cluster and its topics. The key is the address of a broker,
// the name of a topic, or empty.
func (c Cluster) All() iter.Seq2[string, Finding] {
	return func(yield func(string, Finding) bool) {
		for _, f := range c.Findings {
			if !yield(f.About, f) {
				return
			}
		}
		for _, t := range c.Topics {
			for _, f := range t.Findings {
				if !yield(t.Name, f) {
					return
				}
			}
		}
	}
}

// String returns all findings for a log, a line each: level, cluster, broker or topic, text.
func (r Report) String() string {
	var lines []string
	for _, c := range r.Clusters {
		for about, f := range c.All() {
			if about != "" {
				about += ": "
			}
			lines = append(lines, fmt.Sprintf("%v: cluster %s: %s%s", f.Level, c.Name, about,
				f.Text))
		}
	}
	return strings.Join(lines, "\n")
}
