package main

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/metrics/prom"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// The topics. What users pay for is of high priority, what somebody may look at one day of low.
const (
	playTopic   = "playback.start"
	searchTopic = "search.query"
	traceTopic  = "request.trace"
)

// config is what the producer of this service needs to know: where Kafka is, and which topics
// matter most.
func settings(high, bulk []string) producer.Config {
	return producer.Config{
		Clusters: map[string]producer.ClusterConfig{"high": {Brokers: high},
			"bulk": {Brokers: bulk}},
		Priorities: producer.PrioritiesConfig{
			Medium: producer.PriorityConfig{Cluster: "bulk"},
			Low:    producer.PriorityConfig{Cluster: "bulk"},
		},
		Topics: []producer.TopicConfig{
			{Topic: playTopic, Priority: routing.High},
			{Topic: traceTopic, Priority: routing.Low},
		},
	}
}

// service answers requests and tells Kafka of them.
type service struct {
	p       *producer.Producer
	account *account
}

// handler returns all that the service answers, with the pages for those who run it.
func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /plays/{title}", s.play)
	mux.HandleFunc("GET /search", s.search)
	mux.HandleFunc("GET /titles/{title}", s.title)

	registry := prometheus.NewRegistry()
	registry.MustRegister(prom.New(s.p.Stats, prom.Options{}))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	page := health.New(s.p, health.WithSettings(config.Fields))
	mux.Handle("/forebay/", http.StripPrefix("/forebay", page))
	return mux
}

// play begins to play a title. What one user plays is in order: it has a key.
func (s *service) play(w http.ResponseWriter, r *http.Request) {
	user := r.URL.Query().Get("user")
	s.tell(producer.Record{Topic: playTopic, Key: []byte(user)},
		event{"user": user, "title": r.PathValue("title")})
	fmt.Fprintln(w, "playing")
}

func (s *service) search(w http.ResponseWriter, r *http.Request) {
	s.tell(producer.Record{Topic: searchTopic}, event{"query": r.URL.Query().Get("q")})
	fmt.Fprintln(w, "nothing found")
}

func (s *service) title(w http.ResponseWriter, r *http.Request) {
	s.tell(producer.Record{Topic: traceTopic}, event{"path": r.URL.Path})
	fmt.Fprintln(w, r.PathValue("title"))
}

// event is what is told of a request.
type event map[string]any

// tell sends an event. It returns at once, whatever Kafka does; what Send refuses, because Kafka
// was away for long and the memory is full, is counted, and the user is served all the same.
func (s *service) tell(rec producer.Record, e event) {
	rec.Tag = s.account.open()
	e["number"] = rec.Tag
	rec.Value, _ = json.Marshal(e) // strings and a number: they can be
	s.account.sent(rec.Tag, s.p.Send(rec))
}
