package probe

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/forebay-go/forebay/preflight"
)

// grace is how long Run waits, after its context has ended, for connections to be closed. Only a
// function of the application that ignores its context takes longer, and is left behind.
const grace = 500 * time.Millisecond

// Run asks all clusters side by side. It returns when it has asked everything, or soon after ctx
// has ended, with what was found until then.
func Run(ctx context.Context, clusters []Cluster) preflight.Report {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	checks := make([]*check, len(clusters))
	for i := range clusters {
		checks[i] = newCheck(&clusters[i])
		go checks[i].run(ctx)
	}
	report := preflight.Report{Clusters: make([]preflight.Cluster, 0, len(clusters))}
	for _, k := range checks {
		select {
		case <-k.done:
		case <-ctx.Done():
		}
	}
	for _, k := range checks {
		report.Clusters = append(report.Clusters, k.result(ctx))
	}
	cancel()
	late := time.After(grace)
	for _, k := range checks {
		select {
		case <-k.done:
		case <-late:
			return report
		}
	}
	return report
}

// check is the check of one cluster.
type check struct {
	cluster *Cluster
	done    chan struct{} // closed by run when it ends

	mu      sync.Mutex // guards what follows; never held across I/O
	found   preflight.Cluster
	waiting string // what for, in words; empty: for nothing any more
	over    bool   // the result was taken: nothing is added to it
}

func newCheck(c *Cluster) *check {
	return &check{cluster: c, done: make(chan struct{}), waiting: "the first broker",
		found: preflight.Cluster{Name: c.Name}}
}

// result returns what was found. If the check was not done, it says so.
func (k *check) result(ctx context.Context) preflight.Cluster {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = true
	if k.waiting != "" {
		k.found.Findings = append(k.found.Findings, preflight.Finding{Check: preflight.Time,
			Level: preflight.Problem, Text: fmt.Sprintf("the check has not finished: it was "+
				"waiting for %s (%v): give it more time", k.waiting, context.Cause(ctx))})
	}
	return k.found
}

// awaits notes what the check waits for.
func (k *check) awaits(what string) { k.change(func(*preflight.Cluster) { k.waiting = what }) }

// change changes what was found, unless the result was taken.
func (k *check) change(fn func(*preflight.Cluster)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.over {
		fn(&k.found)
	}
}

// add adds a finding about the cluster, or about the broker at an address. After ctx has ended,
// nothing is added: a broker that had no time to answer is not to blame.
func (k *check) add(ctx context.Context, c preflight.Check, level preflight.Level, about,
	format string, args ...any) {
	if ctx.Err() != nil {
		return
	}
	k.change(func(found *preflight.Cluster) {
		found.Findings = append(found.Findings, finding(c, level, about, format, args...))
	})
}

func finding(c preflight.Check, level preflight.Level, about, format string,
	args ...any) preflight.Finding {
	return preflight.Finding{Check: c, Level: level, About: about, Text: fmt.Sprintf(format,
		args...)}
}

// run does the check.
func (k *check) run(ctx context.Context) {
	defer close(k.done)
	good := k.reach(ctx)
	if len(good) == 0 {
		k.unasked(ctx)
	} else {
		k.ask(ctx, good)
	}
	if ctx.Err() == nil {
		k.awaits("")
	}
}

// ask asks what one broker can say about the whole cluster.
func (k *check) ask(ctx context.Context, seeds []string) {
	client, err := k.cluster.client(ctx, seeds...)
	if err != nil {
		k.add(ctx, preflight.Metadata, preflight.Problem, "", "%v", err)
		return
	}
	defer client.Close()
	brokers := k.brokers(ctx, client)
	if len(brokers) == 0 {
		k.unasked(ctx)
		return
	}
	k.rights(ctx, client, brokers[0].NodeID)
	k.topics(ctx, client)
}

// unasked notes the topics about which nobody could be asked.
func (k *check) unasked(ctx context.Context) {
	for _, w := range k.cluster.Wanted {
		if ctx.Err() == nil {
			k.topic(w, preflight.Topic{}, []preflight.Finding{finding(preflight.Exists,
				preflight.Warning, "", "was not checked, because the cluster cannot be asked")})
		}
	}
}

// topic adds what was found about a topic.
func (k *check) topic(w Wanted, facts preflight.Topic, findings []preflight.Finding) {
	facts.Name, facts.Priority, facts.Fallback = w.Topic, w.Priority, w.Fallback
	facts.Findings = findings
	k.change(func(found *preflight.Cluster) { found.Topics = append(found.Topics, facts) })
}
