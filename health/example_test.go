package health_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// get returns the answer of handler.
func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}

// A service mounts the handler where operators and its orchestrator can reach it.
func Example() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		panic(err)
	}
	defer kafka.Close()
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	if err := p.WaitReady(ctx); err != nil { // for a sure output; a service need not wait
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/forebay/", http.StripPrefix("/forebay", health.New(p)))

	var report health.Report
	err = json.Unmarshal(get(mux, "/forebay/health").Body.Bytes(), &report)
	fmt.Println("health:", report.Status, err)
	fmt.Println("readyz:", get(mux, "/forebay/readyz").Code)

	_, _ = p.Close(ctx)
	fmt.Println("livez, closed:", get(mux, "/forebay/livez").Code)
	// Output:
	// health: well <nil>
	// readyz: 200
	// livez, closed: 200
}

// By default an outage does not make a service unready. This policy does, once a record of high
// priority has waited for five minutes.
func ExampleWithReady() {
	p, err := producer.New(producer.Config{ // nobody listens there
		Clusters: map[string]producer.ClusterConfig{"high": {Brokers: []string{"127.0.0.1:1"}}},
		Topics:   []producer.TopicConfig{{Topic: "*", Priority: routing.High}},
	})
	if err != nil {
		panic(err)
	}
	policy := health.NotBehind(routing.High, 5*time.Minute)
	handler := health.New(p, health.WithReady(policy))
	_ = p.Send(producer.Record{Topic: "plays", Value: []byte("title 7")})
	fmt.Println("an outage of a moment:", get(handler, "/readyz").Code)

	ctx, cancel := context.WithCancel(context.Background())
	cancel() // do not wait for Kafka
	_, _ = p.Close(ctx)

	lanes := map[routing.Priority]producer.LaneStats{routing.High: {Oldest: 6 * time.Minute}}
	fmt.Println("later:", policy(producer.Stats{Lanes: lanes}) != nil)
	// Output:
	// an outage of a moment: 200
	// later: true
}
