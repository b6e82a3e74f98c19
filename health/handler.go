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

// Source is what the handler looks at: a *producer.Producer, or a fake of one.
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

// WithReady has /readyz answer 503, and the error in words, where policy returns one. It is called
// with figures that are at most a quarter of a second old, by several goroutines at once, and must
// not change them. One that panics is not ready. Without this option a program is always ready
// until Close is called: Send works without Kafka, so an outage is no reason to take the program
// out of service or to restart it. From then on it is not ready, whatever policy says, because Send
// refuses everything.
func WithReady(policy func(producer.Stats) error) Option {
	return optionFunc(func(h *handler) { h.ready = policy })
}

// WithRecent says for how long a loss counts as one of late. Without it, or where d is not
// positive, that is a minute.
func WithRecent(d time.Duration) Option {
	return optionFunc(func(h *handler) {
		if d > 0 {
			h.looks.recent.window = d
		}
	})
}

//go:embed page
var page embed.FS

// resource is what there is at a path.
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
	resources map[string]resource        // by path, without the slash before it; fixed by New
}

// New returns a handler that tells how p is. It calls p.Stats once, to know what was lost before.
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
		"health": {asJSON, func() (int, []byte) {
			return http.StatusOK,
				h.looks.look().health()
		}},
		"data": {asJSON, func() (int, []byte) { return http.StatusOK, h.looks.look().data() }},
		"past": {asJSON, func() (int, []byte) { return http.StatusOK, h.looks.past() }},
		"settings": {asJSON, func() (int, []byte) {
			return http.StatusOK,
				h.looks.look().settings()
		}},
	}
	h.addFiles()
	h.looks.look()
	return h
}

// contentTypes are those of files, by how their names end.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; " +
		"charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// addFiles adds what the page is made of.
func (h *handler) addFiles() {
	files, _ := page.ReadDir("page") // what is in the binary can be read
	for _, file := range files {
		text, _ := page.ReadFile("page/" + file.Name())
		name := strings.TrimSuffix(file.Name(), "page.html") // the page itself has no name
		h.resources[name] = resource{contentTypes[path.Ext(file.Name())],
			func() (int, []byte) { return http.StatusOK, text }}
	}
}

// security are headers of every answer. Scripts, styles and figures come from where the page does,
// or not at all.
var security = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
		"img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
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
	status, body := http.StatusNotFound, []byte("there is nothing here\n")
	switch {
	case !ok:
		resource.contentType = plain
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		status, body, resource.contentType = http.StatusMethodNotAllowed, []byte("only GET and "+
			"HEAD are answered\n"), plain
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

// judge asks the policy, and survives it.
func (h *handler) judge() (err error) {
	defer func() {
		if recover() != nil {
			// what with is for the application's eyes, who has it in no log: see WithReady
			err = fmt.Errorf("the policy panicked")
		}
	}()
	return h.ready(h.looks.look().stats)
}

// encode returns v in JSON. HTML in it is escaped.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // all types are ours, and their numbers are numbers
	}
	return append(text, '\n')
}
