package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/delivery"
)

// Need is a topic that an agent needs and cannot use now.
type Need struct {
	Topic  string
	For    string // what has to be there, such as "statements"
	Wrong  string // such as "does not exist"
	Remedy string `json:",omitempty"` // what to do; empty: not known
}

// String returns the need as one sentence without an end.
func (n Need) String() string {
	text := fmt.Sprintf("topic %q (%s) %s", n.Topic, n.For, n.Wrong)
	if n.Remedy != "" {
		text += ": " + n.Remedy
	}
	return text
}

// remedyInit is what to do about topics that the command can make.
const remedyInit = `run "forebay audit init" with your file`

// forReading and remedyRead are for audited topics.
const (
	forReading = "records to read"
	remedyRead = "create it, or take it out of topics"
)

// lookout asks again and again whether the topics that an agent needs are there.
type lookout struct {
	asked  []*errand
	log    *zap.Logger
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	mu    sync.Mutex // guards what follows; never held across I/O
	unmet []Need
}

// errand is what has to be in one cluster.
type errand struct {
	client *kgo.Client
	own    bool // the lookout closes the client
	topics []Need
	wrong  map[string]string // belongs to the goroutine: by topic, what the last look has found
	said   map[string]bool   // belongs to the goroutine: topics that were logged
}

const (
	lookAgain = 500 * time.Millisecond // while something is missing
	lookLater = 5 * time.Second
)

// newLookout begins to ask. Close ends it.
func newLookout(log *zap.Logger, errands ...*errand) *lookout {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lookout{asked: errands, log: log, cancel: cancel, done: make(chan struct{})}
	for _, e := range errands {
		e.wrong, e.said = make(map[string]string), make(map[string]bool)
	}
	go l.run(ctx)
	return l
}

func (l *lookout) run(ctx context.Context) {
	defer close(l.done)
	for first := true; ctx.Err() == nil; first = false {
		var unmet []Need
		for _, e := range l.asked {
			unmet = append(unmet, e.look(ctx, l.log)...)
		}
		if ctx.Err() != nil {
			return // what this look has found is why it was ended
		}
		l.mu.Lock()
		l.unmet = unmet
		l.mu.Unlock()
		pause := lookLater
		if first || len(unmet) > 0 {
			pause = lookAgain
		}
		sleep(ctx, pause)
	}
}

// needs returns what is missing.
func (l *lookout) needs() []Need {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.unmet)
}

// close ends the lookout. What was missing last stays known.
func (l *lookout) close() {
	l.cancel()
	<-l.done
	closeOwn(l.asked)
}

func closeOwn(errands []*errand) {
	for _, e := range errands {
		if e.own {
			e.client.Close()
		}
	}
}

// look asks one cluster, and logs what has changed. Something is missing if two looks say so: a
// topic that was just made is not known to all brokers at once.
func (e *errand) look(ctx context.Context, log *zap.Logger) (unmet []Need) {
	wrong := e.ask(ctx)
	for _, n := range e.topics {
		n.Wrong = wrong[n.Topic]
		before := e.wrong[n.Topic]
		e.wrong[n.Topic] = n.Wrong
		switch {
		case n.Wrong == "" && e.said[n.Topic]:
			delete(e.said, n.Topic)
			log.Info("topic that the audit needs is there", zap.String("topic", n.Topic))
		case n.Wrong != "" && before != "":
			if n.Wrong != missing {
				n.Remedy = ""
			}
			unmet = append(unmet, n)
			if !e.said[n.Topic] {
				e.said[n.Topic] = true
				log.Warn("topic that the audit needs cannot be used", zap.String("topic", n.Topic),
					zap.String("reason", n.Wrong), zap.String("remedy", n.Remedy))
			}
		}
	}
	return unmet
}

const missing = "does not exist"

// ask returns what is wrong with topics.
func (e *errand) ask(ctx context.Context) (wrong map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, lookLater)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest() // not by kadm, which answers from what it has heard before
	for _, n := range e.topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &n.Topic
		req.Topics = append(req.Topics, t)
	}
	wrong = make(map[string]string)
	resp, err := req.RequestWith(ctx, e.client)
	if err != nil {
		for _, n := range e.topics {
			wrong[n.Topic] = fmt.Sprintf("cannot be looked up: %v", err)
		}
		return wrong
	}
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case t.Topic == nil, err == nil:
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			wrong[*t.Topic] = missing
		case !kerr.IsRetriable(err):
			wrong[*t.Topic] = fmt.Sprintf("cannot be looked up: %v", err)
		}
	}
	return wrong
}

// FindMissing returns which topics do not exist, or cannot be looked up. opts are those of kgo that
// say where Kafka is.
func FindMissing(ctx context.Context, topics []string, opts ...kgo.Opt) (unmet []Need, err error) {
	client, err := newClient(opts)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	e := &errand{client: client}
	for _, topic := range topics {
		e.topics = append(e.topics, Need{Topic: topic, For: forReading, Remedy: remedyRead})
	}
	wrong := e.ask(ctx)
	for _, n := range e.topics {
		if n.Wrong = wrong[n.Topic]; n.Wrong != "" {
			unmet = append(unmet, n)
		}
	}
	return unmet, nil
}

// errands returns what an agent needs in which cluster. The topics of a load may be in any cluster:
// the producer knows about these.
func (a *Agent) errands(clusters Clusters, source *SourceConfig, reader *ReaderConfig) (
	all []*errand, err error) {
	statements := &errand{topics: []Need{{Topic: source.StatementTopic, For: "statements",
		Remedy: remedyInit}}}
	read := new(errand)
	if a.cfg.Heartbeat != nil {
		read.topics = append(read.topics, Need{Topic: a.cfg.Heartbeat.Topic, For: "heartbeats",
			Remedy: remedyInit})
	}
	if a.cfg.consumes() {
		statements.client, read.client = a.ledger.client, a.reader.client
		for _, topic := range reader.Topics {
			read.topics = append(read.topics, Need{Topic: topic, For: forReading,
				Remedy: remedyRead})
		}
	}
	all = []*errand{statements}
	if len(read.topics) > 0 {
		all = append(all, read)
	}
	for i, e := range all {
		if e.client != nil {
			continue
		}
		e.own = true
		opts := [][]kgo.Opt{clusters.Statements, clusters.Topics}[i]
		if e.client, err = newClient(opts); err != nil {
			closeOwn(all[:i])
			return nil, fmt.Errorf("look for %q: %w", e.topics[0].Topic, err)
		}
	}
	return all, nil
}

// Unmet returns which topics the agent needs and cannot use: now, or when it ended.
func (a *Agent) Unmet() []Need {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return a.unmet
	}
	return a.unmetNow()
}

func (a *Agent) unmetNow() []Need {
	unmet := a.lookout.needs()
	for _, t := range a.producer.Stats().Troubles {
		made := slices.ContainsFunc(a.cfg.Loads, func(l Load) bool { return l.Topic == t.Topic })
		known := slices.ContainsFunc(unmet, func(n Need) bool { return n.Topic == t.Topic })
		if made && !known {
			unmet = append(unmet, Need{Topic: t.Topic, For: "records to send",
				Wrong: wrongOf(t), Remedy: t.Remedy})
		}
	}
	return unmet
}

// wrongOf returns what is wrong with a topic that records wait for.
func wrongOf(t delivery.Trouble) string {
	if t.Cause == delivery.CauseTopicMissing {
		return missing
	}
	return "takes no records: " + t.Reason
}
