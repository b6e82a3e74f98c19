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

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/examples/internal/stage"
	"github.com/forebay-go/forebay/producer"
)

func main() {
	addr := flag.String("addr", "",
		"`host:port` to serve on, until Ctrl-C; without it, a free port for half a minute")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := story(ctx, os.Stdout, *addr, pace{warm: time.Second, there: 4 * time.Second,
		away: 4 * time.Second, settle: time.Second, rounds: 3})
	if err != nil {
		fmt.Fprintln(os.Stderr, "httpservice:", err)
		os.Exit(1)
	}
}

// pace says how long things take: the clients warm up, then Kafka is there and away in turn. What
// is measured begins when Kafka's return, or the first second, has settled.
type pace struct {
	warm, there, away, settle time.Duration
	rounds                    int
}

// story is the whole program. With an address it goes on until ctx ends.
func story(ctx context.Context, out io.Writer, addr string, pace pace) error {
	high, err := stage.Start(6, playTopic)
	if err != nil {
		return err
	}
	defer high.Close()
	bulk, err := stage.Start(6, searchTopic, traceTopic)
	if err != nil {
		return err
	}
	defer bulk.Close()
	clusters := map[string]*stage.Cluster{"high": high, "bulk": bulk}

	// All that the service has to do with Kafka is here and in service.go.
	account := new(account)
	p, err := producer.New(settings(high.ListenAddrs(), bulk.ListenAddrs()),
		producer.WithDialer(stage.Dialer(clusters)), producer.WithDelivery(account.report))
	if err != nil {
		return err
	}
	over, giveUp := context.WithCancel(context.Background())
	// for the early ways out; after the Close below it does nothing
	defer func() { _, _ = p.Close(over) }()
	defer giveUp()
	s := &service{p: p, account: account}

	stopped, url, err := serve(addr, s.handler())
	if err != nil {
		return err
	}
	defer stopped()
	show := newDisplay(out, p)
	show.say(">",
		fmt.Sprintf("The service is at %s, its page at %s/forebay/, its metrics at %s/metrics.",
			url, url, url))
	show.say(">",
		fmt.Sprintf("%d clients send it %d requests a second. Each request sends an event.",
			clients, clients*int(time.Second/every)))
	load := startLoad(url)
	defer load.stop()

	err = comeAndGo(ctx, clusters, load, show, pace, addr != "")
	if err != nil && (addr == "" || !errors.Is(err, context.Canceled)) {
		return err
	}
	for _, c := range clusters {
		c.Link.Restore()
	}
	show.say(">", "The clients stop. Close delivers what still waits.")
	load.stop()
	closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := p.Close(closing); err != nil {
		return err
	}
	show.results(load, account)
	return verify(closing, out, p, load, account, clusters)
}

// serve has handler answer at addr, or at a free port. It returns where, and what ends that.
func serve(addr string, handler http.Handler) (stop func(), url string, err error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Close
	}()
	return func() {
		_ = server.Close()
		<-done
	}, "http://" + l.Addr().String(), nil
}

// comeAndGo cuts the network to Kafka and mends it, as often as there are rounds, or until ctx
// ends.
func comeAndGo(ctx context.Context, clusters map[string]*stage.Cluster, load *load, show *display,
	pace pace, forEver bool) error {
	if err := show.during(ctx, pace.warm); err != nil {
		return err
	}
	for round := 0; forEver || round < pace.rounds; round++ {
		load.phase.Store(there)
		if err := show.during(ctx, pace.there); err != nil {
			return err
		}
		load.phase.Store(uncounted)
		show.say(">", "The network to Kafka is cut.")
		for _, c := range clusters {
			c.Link.Cut()
		}
		load.phase.Store(away)
		if err := show.during(ctx, pace.away); err != nil {
			return err
		}
		load.phase.Store(uncounted)
		show.say(">", "The network is mended. What has waited is delivered.")
		for _, c := range clusters {
			c.Link.Restore()
		}
		if err := show.during(ctx, pace.settle); err != nil {
			return err
		}
	}
	return nil
}

// verify reads what is in Kafka, and compares.
func verify(ctx context.Context, out io.Writer, p *producer.Producer, load *load, account *account,
	clusters map[string]*stage.Cluster) error {
	var log []*kgo.Record
	for name, c := range clusters {
		read, err := c.Read(ctx)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		log = append(log, read...)
	}
	if n := load.failed.Load(); n > 0 {
		return fmt.Errorf("%d requests failed, the last with: %w", n, load.err)
	}
	stats := p.Stats()
	if err := account.check(&stats, log); err != nil {
		return err
	}
	fmt.Fprintf(out,
		"\n  Kafka has %d events: each that was delivered is there, and the books "+
			"balance.\n", len(log))
	return nil
}
