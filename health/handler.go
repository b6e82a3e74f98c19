package health

import (
	"embed"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/forebay-go/forebay/internal/page"
	"github.com/forebay-go/forebay/producer"
)

// Source provides the figures: a *producer.Producer, or a fake in tests.
type Source interface {
	Stats() producer.Stats
	History() []producer.Event
	Current() iter.Seq[producer.Event]
	Config() producer.Config
	Samples() []producer.Sample
}

// Option changes what New returns.
type Option interface{ apply(*handler) }

type optionFunc func(*handler)

func (f optionFunc) apply(h *handler) { f(h) }

// WithReady makes /readyz answer 503 with the text of the error while policy returns an error.
// Several goroutines may call policy at once, with figures at most 250 ms old that it must not
// change. A panic of policy counts as not ready.
//
// Without this option a program is ready until Close is called: Send works without Kafka, so an
// outage is no reason to restart the program or take it out of service. After Close it is never
// ready, whatever policy says, because Send refuses everything.
func WithReady(policy func(producer.Stats) error) Option {
	return optionFunc(func(h *handler) { h.ready = policy })
}

// WithRecent sets how long a loss counts as recent. The default is one minute, which also applies
// if d is not positive.
func WithRecent(d time.Duration) Option {
	return optionFunc(func(h *handler) {
		if d > 0 {
			h.looks.recent.window = d
		}
	})
}

// WithLink adds a link to the foot of the page: to another page of the program, by its address
// relative to that of this one.
func WithLink(address, text string) Option {
	return optionFunc(func(h *handler) {
		h.links = append(h.links, page.Link{Address: address, Text: text})
	})
}

//go:embed page
var files embed.FS

// handler is what New returns.
type handler struct {
	looks     looks
	ready     func(producer.Stats) error // nil: always
	links     []page.Link
	resources page.Handler // fixed by New
}

// New returns a handler that reports the health of p. It calls p.Stats once, so that earlier losses
// do not count as recent.
func New(p Source, opts ...Option) http.Handler {
	h := &handler{looks: looks{p: p, recent: recent{window: time.Minute}}}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(h)
		}
	}
	h.looks.began = time.Now()
	h.resources = page.Handler{
		"livez":    page.Alive(),
		"readyz":   page.Text(h.readiness),
		"health":   page.Data(func() []byte { return h.looks.look().health() }),
		"data":     page.Data(func() []byte { return h.looks.look().data() }),
		"past":     page.Data(h.looks.past),
		"links":    page.Links(h.links),
		"settings": page.Data(func() []byte { return h.looks.look().settings() }),
	}
	h.resources.AddFiles(files)
	h.looks.look()
	return h
}

// ServeHTTP answers a request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.resources.ServeHTTP(w, r) }

// readiness is the answer of /readyz.
func (h *handler) readiness() (int, []byte) {
	if h.looks.look().stats.Closed {
		return http.StatusServiceUnavailable, []byte("not ready: the producer is closed\n")
	}
	if h.ready == nil {
		return http.StatusOK, []byte("ok\n")
	}
	if err := h.judge(); err != nil {
		return http.StatusServiceUnavailable, []byte("not ready: " + cut(err.Error()) + "\n")
	}
	return http.StatusOK, []byte("ok\n")
}

// judge calls the policy, and turns a panic into an error.
func (h *handler) judge() (err error) {
	defer func() {
		if recover() != nil {
			// the value of the panic may hold secrets of the application
			err = fmt.Errorf("the policy panicked")
		}
	}()
	return h.ready(h.looks.look().stats)
}
