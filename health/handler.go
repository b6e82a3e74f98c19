package health

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

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

//go:embed page
var page embed.FS

// resource answers requests for one path.
type resource struct {
	contentType string
	answer      func() (status int, body []byte)
}

const (
	plain  = "text/plain; charset=utf-8"
	asJSON = "application/json"
)

// handler is what New returns.
type handler struct {
	looks     looks
	ready     func(producer.Stats) error // nil: always
	resources map[string]resource        // by path, without the leading slash; fixed by New
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
	h.resources = map[string]resource{
		"livez":  {plain, func() (int, []byte) { return http.StatusOK, []byte("ok\n") }},
		"readyz": {plain, h.readiness},
		"health": {asJSON, func() (int, []byte) { return http.StatusOK, h.looks.look().health() }},
		"data":   {asJSON, func() (int, []byte) { return http.StatusOK, h.looks.look().data() }},
		"past":   {asJSON, func() (int, []byte) { return http.StatusOK, h.looks.past() }},
		"settings": {asJSON, func() (int, []byte) {
			return http.StatusOK, h.looks.look().settings()
		}},
	}
	h.addFiles()
	h.looks.look()
	return h
}

// contentTypes maps the extension of a file to its content type.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// addFiles adds the files of the page.
func (h *handler) addFiles() {
	files, _ := page.ReadDir("page") // embedded files can always be read
	for _, file := range files {
		text, _ := page.ReadFile("page/" + file.Name())
		name := strings.TrimSuffix(file.Name(), "page.html") // the page itself has no name
		h.resources[name] = resource{contentTypes[path.Ext(file.Name())],
			func() (int, []byte) { return http.StatusOK, text }}
	}
}

// security holds headers of every answer. Scripts, styles and figures may come only from the origin
// of the page.
var security = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
		"img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Cache-Control":                "no-store",
}

// ServeHTTP answers a request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range security {
		w.Header().Set(name, value)
	}
	resource, ok := h.resources[strings.TrimPrefix(r.URL.Path, "/")]
	status, body := http.StatusNotFound, []byte("not found\n")
	switch {
	case !ok:
		resource.contentType = plain
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		status, body = http.StatusMethodNotAllowed, []byte("use GET or HEAD\n")
		resource.contentType = plain
	default:
		status, body = resource.answer()
	}
	w.Header().Set("Content-Type", resource.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, bytes.NewReader(body)) // whoever has gone needs no answer
	}
}

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

// encode returns v in JSON, with HTML escaped.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // all types are from this package, and no float is NaN or infinite
	}
	return append(text, '\n')
}
