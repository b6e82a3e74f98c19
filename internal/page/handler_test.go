package page

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// A page has its own files, and those that all pages share. It is not at the name of its file.
func TestHandler_ServesThePageAndWhatAllPagesShare(t *testing.T) {
	h := Handler{"livez": Alive(), "data": Data(func() []byte { return Encode("<b>") })}
	h.AddFiles(fstest.MapFS{"page/page.html": {Data: []byte("own")}, "page/own.js": {Data: []byte("1")},
		"elsewhere.js": {Data: []byte("2")}})
	for path, want := range map[string][2]string{
		"/": {"text/html; charset=utf-8", "own"}, "/own.js": {"text/javascript; charset=utf-8", "1"},
		"/livez": {Plain, "ok\n"}, "/data": {JSON, `"\u003cb\u003e"` + "\n"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, 200, w.Code, path)
		require.Equal(t, want, [2]string{w.Header().Get("Content-Type"), w.Body.String()}, path)
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	}
	for path, status := range map[string]int{"/page.css": 200, "/show.js": 200, "/icon.svg": 200,
		"/page.html": 404, "/elsewhere.js": 404, "/files/show.js": 404} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, path, nil))
		require.Equal(t, status, w.Code, path)
		require.Zero(t, w.Body.Len())
		w = httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		require.NotEqual(t, 200, w.Code, path)
	}
}
