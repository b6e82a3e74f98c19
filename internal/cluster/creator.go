package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// Creation says how missing topics are created.
type Creation struct {
	Partitions  int32              // -1: the cluster's default
	Replication int16              // -1: the cluster's default
	Configs     map[string]*string // of the topic, beyond the cluster's defaults
}

// createTimeout bounds the wait for the controller's answer to a request to create topics.
const createTimeout = 10 * time.Second

// creator creates missing topics. It belongs to the supervisor. Its requests run on a goroutine of
// their own.
type creator struct {
	c      *Cluster
	want   *Creation // nil: no topics are created
	tries  map[string]*try
	asking bool
	made   chan creation // one slot; sent by ask, received by the supervisor; never closed
}

// try is the result of the last attempt to create a topic.
type try struct {
	pause *backoff.ExponentialBackOff
	next  time.Time
	err   error
}

// creation is the result of an attempt: for each topic why it was not created, nil if it was.
type creation map[string]error

func newCreator(c *Cluster) *creator {
	return &creator{c: c, want: c.cfg.Create, tries: make(map[string]*try),
		made: make(chan creation, 1)}
}

// askDue has those missing topics created whose time has come. It returns when the next is due, but
// not after next.
func (r *creator) askDue(ctx context.Context, missing []string, next time.Time) time.Time {
	if r.want == nil || r.asking {
		return next
	}
	now := time.Now()
	var due []string
	for _, name := range missing {
		t := r.tries[name]
		switch {
		case t == nil:
			r.tries[name] = &try{pause: backoff.NewExponentialBackOff(
				backoff.WithInitialInterval(time.Second),
				backoff.WithMaxInterval(30*time.Second),
				backoff.WithMaxElapsedTime(0))}
			due = append(due, name)
		case t.next.After(now):
			next = earlier(next, t.next)
		default:
			due = append(due, name)
		}
	}
	if len(due) > 0 {
		r.ask(ctx, due)
	}
	return next
}

// ask requests topics on a goroutine that ends with the answer, or with ctx.
func (r *creator) ask(ctx context.Context, names []string) {
	r.asking = true
	go func() {
		ctx, cancel := context.WithTimeout(ctx, createTimeout)
		defer cancel()
		done := make(creation, len(names))
		answers, err := promptly(ctx, func() (kadm.CreateTopicResponses, error) {
			cl, err := r.c.controller()
			if err != nil {
				return nil, err
			}
			defer cl.Close()
			return kadm.NewClient(cl).CreateTopics(ctx, r.want.Partitions, r.want.Replication,
				r.want.Configs, names...)
		})
		for _, name := range names {
			done[name] = err
			if a, ok := answers[name]; ok && a.Err != nil {
				done[name] = explained(a.Err, a.ErrMessage)
			}
		}
		r.made <- done
	}()
}

// controller returns a kgo client that finds the controller by itself. Few requests need one.
func (c *Cluster) controller() (*kgo.Client, error) {
	var seeds []string
	for _, b := range c.View().Brokers {
		if b.Usable {
			seeds = append(seeds, b.Addr)
		}
	}
	return kgo.NewClient(c.cfg.options(append(seeds, c.cfg.Seeds...),
		kgo.Dialer(c.control.dials.dial),
		kgo.RequestTimeoutOverhead(askTimeout),
		kgo.RetryTimeout(askTimeout))...)
}

func explained(err error, text string) error {
	if text == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, text)
}

// take notes the result of an attempt.
func (r *creator) take(done creation) {
	r.asking = false
	for name, err := range done {
		t := r.tries[name]
		if err == nil {
			r.c.cfg.Logger.Info("topic created", zap.String("cluster", r.c.cfg.Name),
				zap.String("topic", name))
		} else if t.err == nil {
			r.c.cfg.Logger.Warn("topic cannot be created", zap.String("cluster", r.c.cfg.Name),
				zap.String("topic", name), zap.Error(err))
		}
		t.err = err
		t.next = time.Now().Add(t.pause.NextBackOff())
	}
}

// failure returns why a topic could not be created, nil if that was not tried yet.
func (r *creator) failure(name string) error {
	if t := r.tries[name]; t != nil {
		return t.err
	}
	return nil
}

// forget forgets all topics but missing.
func (r *creator) forget(missing []string) {
	keep := make(map[string]bool, len(missing))
	for _, name := range missing {
		keep[name] = true
	}
	for name := range r.tries {
		if !keep[name] && !r.asking {
			delete(r.tries, name)
		}
	}
}
