package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/audit/watch"
	"github.com/forebay-go/forebay/producer"
)

func main() {
	listen := flag.String("listen", "",
		"serve the page of auditor-3 on this `address`, such as 127.0.0.1:9090, until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := tell(ctx, *listen)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "audit:", err)
		os.Exit(1)
	}
}

// tell tells the story. With an address, it serves the page of auditor-3, also after the end.
func tell(ctx context.Context, address string) error {
	show := func(*audit.Agent) {}
	if address != "" {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return err
		}
		server := &http.Server{ReadHeaderTimeout: 5 * time.Second}
		defer func() { _ = server.Close() }()
		show = func(reader *audit.Agent) {
			server.Handler = watch.New(reader.Snapshot)
			go func() { _ = server.Serve(listener) }()
		}
		fmt.Printf("The page of auditor-3 is at http://%s\n\n", listener.Addr())
	}
	// if something that is to happen does not
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := story(limited, os.Stdout, 3*time.Second, show); err != nil || address == "" {
		return err
	}
	fmt.Println("The page stays until Ctrl-C.")
	<-ctx.Done()
	return nil
}

// story is the whole program. calm is how long nothing happens at first. show gets the agent that
// reads when it runs.
func story(ctx context.Context, out io.Writer, calm time.Duration,
	show func(*audit.Agent)) error {
	begin := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(out, "%5.1fs  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	}
	c, err := startCluster(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	crew, err := startCrew(ctx, c)
	if err != nil {
		return err
	}
	defer crew.stop()
	show(crew.reader)
	say("auditor-1 sends 500 plays a second, auditor-2 five payments a second. auditor-3 reads")
	say("both, and watches the brokers.")
	if err := until(ctx, "every broker is well", crew.named(audit.Well, 0, 1, 2)); err != nil {
		return err
	}
	say("Every broker is well.")
	if err := pass(ctx, calm); err != nil {
		return err
	}

	say("Broker %d now takes %v for each request.", slowBroker, slowness)
	c.set(func() { c.slow = true })
	err = until(ctx, "the slow broker is named", crew.named(audit.Slow, slowBroker))
	if err != nil {
		return err
	}
	say("auditor-3: broker %d is slow.", slowBroker)
	c.set(func() { c.slow = false })
	if err := until(ctx, "the broker is well again", crew.named(audit.Well, 0, 1, 2)); err != nil {
		return err
	}
	say("It was made fast again, and is well.")

	c.set(func() { c.steal = true })
	if err := until(ctx, "a payment is thrown away", c.hasStolen); err != nil {
		return err
	}
	say("A broker has acknowledged a payment, and has thrown it away. auditor-2 believes that it")
	say("is delivered. For 15 to 20 seconds a statement may be on its way that says where it is.")
	lost := func() bool { return crew.reader.Report().Total.Lost > 0 }
	if err := until(ctx, "the loss is found", lost); err != nil {
		return err
	}
	say("auditor-3: a record is lost.")
	return crew.finish(out)
}

// pass lets some time pass.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// until waits until something has happened.
func until(ctx context.Context, what string, happened func() bool) error {
	for !happened() {
		if err := pass(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("it does not happen that %s: %w", what, err)
		}
	}
	return nil
}

// crew is the three instances of the auditor.
type crew struct {
	reader  *audit.Agent
	reports chan *audit.Report // each sends one at its end

	produce, read         context.Context
	stopProduce, stopRead context.CancelFunc
	running               int
}

func startCrew(ctx context.Context, c *cluster) (*crew, error) {
	r := &crew{reports: make(chan *audit.Report, 3)}
	r.produce, r.stopProduce = context.WithCancel(ctx)
	r.read, r.stopRead = context.WithCancel(ctx)
	for _, cfg := range []audit.AgentConfig{
		{Role: audit.Produce, Instance: "auditor-1",
			Loads: []audit.Load{{Topic: playsTopic, RecordsPerSecond: 500, Keys: 20}}},
		{Role: audit.Produce, Instance: "auditor-2",
			Loads: []audit.Load{{Topic: paymentsTopic, RecordsPerSecond: 5}}},
		{Role: audit.Consume, Instance: "auditor-3", Topics: []string{playsTopic, paymentsTopic},
			Heartbeat: &audit.HeartbeatConfig{Interval: 200 * time.Millisecond}},
	} {
		if err := r.start(cfg, c); err != nil {
			r.stop()
			return nil, err
		}
	}
	return r, nil
}

// start starts an instance, which in real life is a process: "forebay audit run".
func (r *crew) start(cfg audit.AgentConfig, c *cluster) error {
	cfg.Interval, cfg.Drain = 500*time.Millisecond, 20*time.Second
	agent, err := audit.NewAgent(cfg, producer.Config{Clusters: map[string]producer.ClusterConfig{
		"kafka": {Brokers: c.ListenAddrs()}}},
		audit.Clusters{Topics: c.options(), Statements: c.options()}, nil)
	if err != nil {
		return err
	}
	working := r.produce
	if cfg.Role == audit.Consume {
		r.reader, working = agent, r.read
	}
	r.running++
	go func() { r.reports <- agent.Run(working, nil) }()
	return nil
}

// stop ends all instances, those that produce first, and returns the report of the one that reads.
func (r *crew) stop() (last *audit.Report) {
	r.stopProduce()
	for ; r.running > 0; r.running-- {
		if r.running == 1 {
			r.stopRead()
		}
		if report := <-r.reports; report != nil {
			last = report
		}
	}
	r.stopRead()
	return last
}

// named returns a function that reports whether the brokers are in a state.
func (r *crew) named(state audit.BrokerState, brokers ...int32) func() bool {
	return func() bool {
		in := 0
		for _, b := range r.reader.Brokers() {
			for _, wanted := range brokers {
				if b.Broker == wanted && b.State == state {
					in++
				}
			}
		}
		return in == len(brokers)
	}
}

// finish ends all instances, and checks the account.
func (r *crew) finish(out io.Writer) error {
	report := r.stop()
	fmt.Fprintln(out)
	for i := range report.Rows {
		row := &report.Rows[i]
		fmt.Fprintf(out, "%-9s %s  %-9s  delivered %5d, in the log %5d, lost %d, "+
			"complete %.4f %%\n", row.Topic, row.Bucket, row.Instance, row.Delivered, row.Seen,
			row.Lost, 100*row.Completeness())
		for _, sequence := range row.Examples {
			fmt.Fprintf(out, "          the lost record is number %d of run %x\n", sequence,
				row.Run)
		}
	}
	t := &report.Total
	if t.Lost != 1 || t.Unexplained+t.OutOfOrder+t.Contradicted > 0 || report.Open() > 0 {
		return fmt.Errorf("one record should be lost, and nothing else be wrong: %+v", *t)
	}
	if t.Delivered != t.Seen+1 {
		return errors.New("the rest should be in the log")
	}
	fmt.Fprintln(out, "\nThe auditor found the one record that was thrown away, and nothing else.")
	return nil
}
