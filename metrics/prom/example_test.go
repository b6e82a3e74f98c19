package prom_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/forebay-go/forebay/metrics/prom"
	"github.com/forebay-go/forebay/producer"
)

// A producer whose numbers, and those of its connections, are served to Prometheus.
func Example() {
	registry := prometheus.NewRegistry()
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"main": {Brokers: []string{"127.0.0.1:9092"}}},
	}, producer.WithHooks(prom.NewConnections(registry, "kafka")))
	if err != nil {
		fmt.Println(err)
		return
	}
	registry.MustRegister(prom.New(p.Stats, prom.Options{}))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	families, err := registry.Gather() // what a scrape does
	for _, family := range families {
		if family.GetName() == "forebay_buffer_limit_bytes" {
			fmt.Println(family.Metric[0].Gauge.GetValue(), err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = p.Close(ctx)
	// Output: 6.7108864e+07 <nil>
}
