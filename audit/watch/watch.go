package watch

import (
	"embed"
	"net/http"
	"sync"
	"time"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/internal/page"
	"github.com/forebay-go/forebay/metrics"
)

// fresh is how long a look is served again instead of a new one.
const fresh = time.Second

//go:embed page
var files embed.FS

// Watch shows one instance of the auditor: as a page, and as metrics. It is an http.Handler, and a
// source for package metrics/prom. It is safe for concurrent use.
type Watch struct {
	snapshot  func() audit.Snapshot
	links     []page.Link
	resources page.Handler
	rows      []row
	table     []metrics.Metric

	mu     sync.Mutex // guards what follows; held during a snapshot, which all callers want
	last   *look
	places *places
}

// Option changes what New returns.
type Option func(*Watch)

// WithLink adds a link to the foot of the page, such as one to the page of the producer: its
// address, relative to that of the page, and its text.
func WithLink(address, text string) Option {
	return func(w *Watch) {
		w.links = append(w.links, page.Link{Address: address, Text: text})
	}
}

// New returns a watch over snapshot, usually the Snapshot method of an audit.Agent.
func New(snapshot func() audit.Snapshot, opts ...Option) *Watch {
	w := &Watch{snapshot: snapshot, rows: rows(), table: Table(), places: newPlaces(ownSeries)}
	for _, opt := range opts {
		opt(w)
	}
	w.resources = page.Handler{
		"livez":  page.Alive(),
		"readyz": page.Text(w.readiness),
		"health": page.Data(func() []byte { return page.Encode(w.look().report) }),
		"data":   page.Data(func() []byte { return page.Encode(w.look().data()) }),
		"links":  page.Links(w.links),
	}
	w.resources.AddFiles(files)
	return w
}

// ServeHTTP answers a request.
func (w *Watch) ServeHTTP(to http.ResponseWriter, r *http.Request) { w.resources.ServeHTTP(to, r) }

// readiness is the answer of /readyz.
func (w *Watch) readiness() (int, []byte) {
	if w.look().Ending {
		return http.StatusServiceUnavailable, []byte("not ready: the instance ends\n")
	}
	return http.StatusOK, []byte("ok\n")
}

// look holds a snapshot, and what follows from it. It never changes.
type look struct {
	audit.Snapshot
	topics []topic // those with series of their own, and the rest
	report Report
}

// look returns what is known, at most fresh old.
func (w *Watch) look() *look {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != nil { // a clock that was set back makes it no younger
		if age := time.Since(w.last.At); age >= 0 && age < fresh {
			return w.last
		}
	}
	l := &look{Snapshot: w.snapshot()}
	l.topics = w.places.see(topicsOf(&l.Snapshot))
	l.report = reportOf(&l.Snapshot)
	w.last = l
	return l
}
