package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/audit/watch"
	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/metrics/prom"
)

// listenFor listens on an address of the setting audit.listen, before anything else is done: an
// address that cannot be had ends the command at once. It returns nil if there is none.
func listenFor(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("audit.listen: cannot listen on %s: write another address, or "+
			"leave it out: %w", address, err)
	}
	return listener, nil
}

// serveAudit serves what there is to look at of an agent, until stop is called. Without a listener
// it does nothing.
func serveAudit(listener net.Listener, agent *audit.Agent) (stop func()) {
	if listener == nil {
		return func() {}
	}
	server := &http.Server{Handler: auditPages(agent), ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0)} // what clients do wrong would spoil the table
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // it ends with stop alone
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx) // whoever still reads is hung up on
		_ = server.Close()
		<-done
	}
}

// auditPages returns the pages of an agent and of its producer, and the metrics of both.
func auditPages(agent *audit.Agent) http.Handler {
	page := watch.New(agent.Snapshot, watch.WithLink("producer/", "The producer of this instance"),
		watch.WithLink("metrics", "Metrics"))
	registry := prometheus.NewRegistry()
	registry.MustRegister(prom.Of(page, nil), prom.New(agent.Producer().Stats, prom.Options{}),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/producer/", http.StripPrefix("/producer", health.New(agent.Producer(),
		health.WithSettings(config.Fields), health.WithLink("../", "The audit"))))
	return mux
}
