package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/event"
)

// fake is a registry behind a transport that needs no network, so that time can be virtual. What it
// does instead of an answer can be changed.
type fake struct {
	*srfake.Registry

	mu       sync.Mutex
	fault    func(*http.Request) (*http.Response, error) // nil: it answers
	requests []string
	running  int // requests at this moment
	most     int // the largest running
}

func newFakeRegistry() *fake { return &fake{Registry: srfake.NewRegistry()} }

var errDown = errors.New("connection refused")

func (f *fake) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	fault := f.fault
	f.requests = append(f.requests, req.Method+" "+req.URL.RequestURI())
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.running--
	}()
	if fault != nil {
		return fault(req)
	}
	answer := httptest.NewRecorder()
	f.Handler().ServeHTTP(answer, req)
	return answer.Result(), nil
}

// set changes what the registry does; nil has it answer.
func (f *fake) set(fault func(*http.Request) (*http.Response, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.requests...)
}

func down(*http.Request) (*http.Response, error) { return nil, errDown }

func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// answers returns a fault that answers with a text.
func answers(status int, kind, text string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}},
			Body: io.NopCloser(strings.NewReader(text))}, nil
	}
}

const html = "text/html"

// join returns a registry client for f, with what it logs.
func join(t *testing.T, f *fake, cfg Config, opts ...Option) (*Registry, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	if cfg.URLs == nil {
		cfg.URLs = []string{"http://registry.test"}
	}
	opts = append([]Option{WithHTTPClient(&http.Client{Transport: f}), WithLogger(zap.New(core))},
		opts...)
	r, err := New(cfg, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, r.Close(ctx))
	})
	return r, logs
}

// plain is a codec of texts.
type plain struct{}

func (plain) Append(dst []byte, v string) ([]byte, error) {
	if v == "bad" {
		return dst, errors.New("bad value")
	}
	return append(dst, v...), nil
}

func (plain) ContentType() string { return "text/plain" }

var _ event.Codec[string] = plain{}

func codec(t *testing.T, r *Registry, subject string, text string) *Codec[string] {
	t.Helper()
	c, err := NewCodec(r, subject, avro(text), plain{})
	require.NoError(t, err)
	return c
}

// lines returns the messages that were logged, and how often.
func lines(logs *observer.ObservedLogs) map[string]int {
	n := make(map[string]int)
	for _, l := range logs.All() {
		n[l.Message]++
	}
	return n
}

// said returns the last line with a message, as text.
func said(t *testing.T, logs *observer.ObservedLogs, message string) map[string]any {
	t.Helper()
	found := logs.FilterMessage(message).All()
	require.NotEmpty(t, found, "%v", lines(logs))
	return found[len(found)-1].ContextMap()
}

const (
	waitLine  = "schema has no ID yet: its records wait"
	foundLine = "schema has an ID"
)

func lockBytes(t *testing.T, subject, text string, id int) []byte {
	t.Helper()
	return lockOf(t, LockedSchema{subject, fingerprint(t, avro(text)), id}).Bytes()
}
