package health_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/producer"
)

// A producer that was closed, or is being closed, takes nothing any more: whoever sends requests to
// its program has to know.
func TestHandler_AClosedProducerIsNeitherWellNorReady(t *testing.T) {
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{"events": {Brokers: []string{"127.0.0.1:1"}}}})
	require.NoError(t, err)
	h := health.New(p)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	code, _ := get("/readyz")
	require.Equal(t, http.StatusOK, code)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = p.Close(ctx)
	require.NoError(t, err)

	// the other one has looked a moment ago, and that may do for a quarter of a second
	h = health.New(p)
	code, text := get("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "not ready: the producer is closed\n", text)
	_, text = get("/health")
	require.Contains(t, text, "the producer is closed")
	code, _ = get("/livez")
	require.Equal(t, http.StatusOK, code, "to start the program again would mend nothing")
}
