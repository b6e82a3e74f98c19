package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/preflight"
	"github.com/forebay-go/forebay/producer"
)

// Options is what a run needs beside its Config.
type Options struct {
	Settings producer.Config
	Cluster  string    // with the topic
	Client   []kgo.Opt // how to reach that cluster
	Log      *zap.Logger
	Say      func(*Measurement) // called after each measurement
	Do       func(text string)  // called before something that takes long and measures nothing
}

// runner is one run.
type runner struct {
	bench
	opts   Options
	p      *producer.Producer
	admin  *kadm.Client
	plan   readPlan // of readers at the end
	result *Result
}

// named is where a measurement belongs.
type named struct {
	name  string
	round int
}

// errEnded ends a run early; its result has all that there is to say.
var errEnded = errors.New("ended")

// Run measures as c says, which Complete has completed. sending ends the traffic, and closing the
// wait for what was sent. The error says that nothing could be measured. Of a run that was
// interrupted, or that Kafka went away in, the result has what was measured.
func Run(sending, closing context.Context, c *Config, opts Options) (*Result, error) {
	client, err := kgo.NewClient(opts.Client...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	m := newMeter(opts.Cluster)
	p, err := producer.New(opts.Settings, producer.WithDelivery(m.report),
		producer.WithLogger(opts.Log))
	if err != nil {
		return nil, err
	}
	// what still waits belongs to no measurement: drain was over, or an interrupt gave it up
	ended, end := context.WithCancel(context.Background())
	end()
	defer func() { _, _ = p.Close(ended) }()
	r := &runner{opts: opts, p: p, admin: kadm.NewClient(client), result: &Result{Mode: c.Mode,
		Topic: c.Topic, Cluster: opts.Cluster, Began: time.Now(),
		Measurements: []*Measurement{}}}
	r.bench = bench{config: c, meter: m, sender: newSender(p, m, c), waiting: r.because,
		dropped: func() uint64 { return p.Stats().ReportsDropped }, say: opts.Say}
	r.plan = readPlan{topic: c.Topic, opts: opts.Client, admin: r.admin, meter: m,
		run: r.sender.run}
	if err := r.all(sending, closing); err != nil && !errors.Is(err, errEnded) {
		return nil, err
	}
	r.result.Interrupted = sending.Err() != nil
	r.result.conclude(c)
	return r.result, nil
}

// all prepares, and takes all measurements.
func (r *runner) all(sending, closing context.Context) error {
	if err := r.prepare(sending); err != nil {
		return r.stopped(sending, err)
	}
	var err error
	switch r.config.Mode {
	case Steps:
		for _, rate := range r.config.rates() {
			if err = r.one(sending, closing, rate, nil, named{}); err != nil {
				break
			}
		}
	case Search:
		err = r.search(sending, closing)
	case Consumers:
		if err = r.fillUp(sending); err == nil {
			err = r.consumers(sending, closing)
		}
	case FetchWait:
		err = r.fetchWait(sending, closing)
	}
	return r.stopped(sending, err)
}

// stopped takes an error into the result if it says that Kafka is away, or that the run was
// interrupted.
func (r *runner) stopped(sending context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case sending.Err() != nil:
		return errEnded
	case errors.Is(err, errAway):
		r.result.worsen(Inconclusive)
		r.result.Why = append(r.result.Why, err.Error())
		return errEnded
	}
	return err
}

// one takes a measurement.
func (r *runner) one(sending, closing context.Context, rate float64, readers *crowd,
	as named) error {
	m, err := r.measure(sending, closing, rate, readers, as)
	if m != nil {
		r.result.Measurements = append(r.result.Measurements, m)
	}
	if err == nil {
		err = sending.Err()
	}
	return err
}

// read takes a measurement at the rate of the settings, with n readers.
func (r *runner) read(sending, closing context.Context, n int, plan readPlan, as named) error {
	rate := r.config.RecordsPerSecond[0]
	if n == 0 {
		return r.one(sending, closing, rate, nil, as)
	}
	readers, err := gather(sending, n, plan)
	if err != nil {
		return err
	}
	defer readers.close()
	return r.one(sending, closing, rate, readers, as)
}

func (r *runner) search(sending, closing context.Context) error {
	found, err := search(sending, r.config.Search, func(ctx context.Context, rate float64) (Verdict,
		error) {
		err := r.one(ctx, closing, rate, nil, named{})
		if err != nil {
			return "", err
		}
		return r.result.Measurements[len(r.result.Measurements)-1].Verdict, nil
	})
	r.result.Found = &found
	return err
}

// prepare finds out whether the topic is there, and where the brokers are.
func (r *runner) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	if err := r.preflight(ctx); err != nil {
		return err
	}
	found := brokers{pids: r.config.BrokerPIDs}
	if len(found.pids) == 0 {
		list, err := r.admin.ListBrokers(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errAway, err)
		}
		found = findBrokers(ctx, list)
	} else if _, ok := found.cpu(); !ok {
		return fmt.Errorf("broker_pids: %v: the time of one of these processes cannot be read: "+
			"write the numbers of processes that run here", found.pids)
	}
	r.cpu, r.result.NoBrokerCPU = found.cpu, found.why
	return nil
}

// preflight asks whether the topic can be written to. The error wraps errAway if nobody answers.
func (r *runner) preflight(ctx context.Context) error {
	var wrong, away []error
	for _, cluster := range r.p.Preflight(ctx, r.config.Topic).Clusters {
		if cluster.Name != r.opts.Cluster {
			continue
		}
		for _, f := range cluster.Findings {
			if f.Level == preflight.Problem {
				away = append(away, fmt.Errorf("cluster %s: %s", cluster.Name, f.Text))
			}
		}
		for _, topic := range cluster.Topics {
			for _, f := range topic.Findings {
				if f.Level == preflight.Problem {
					wrong = append(wrong, fmt.Errorf("cluster %s: topic %s: %s", cluster.Name,
						topic.Name, f.Text))
				}
			}
		}
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	if len(away) > 0 {
		return fmt.Errorf("%w: %w", errAway, errors.Join(away...))
	}
	return nil
}

// because says why records wait.
func (r *runner) because() string {
	stats := r.p.Stats()
	for i := range stats.Troubles {
		if t := &stats.Troubles[i]; t.Topic == r.config.Topic {
			return t.String()
		}
	}
	var why []string
	for name, c := range stats.Clusters {
		if !c.State.Ready() {
			why = append(why, fmt.Sprintf("cluster %s is %v: %s", name, c.State, c.Reason))
		}
	}
	return strings.Join(why, "; ")
}
