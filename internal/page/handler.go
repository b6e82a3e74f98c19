package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Resource answers requests for one path.
type Resource struct {
	ContentType string
	Answer      func() (status int, body []byte)
}

// The content types of answers that are no files.
const (
	Plain = "text/plain; charset=utf-8"
	JSON  = "application/json"
)

// Alive is the answer of a program that answers.
func Alive() Resource {
	return Text(func() (int, []byte) { return http.StatusOK, []byte("ok\n") })
}

// Text answers with plain text.
func Text(answer func() (status int, body []byte)) Resource {
	return Resource{ContentType: Plain, Answer: answer}
}

// Data answers with JSON.
func Data(answer func() []byte) Resource {
	return Resource{ContentType: JSON, Answer: func() (int, []byte) {
		return http.StatusOK, answer()
	}}
}

// Handler has a resource for each path, without the leading slash. It must not be changed after its
// first request.
type Handler map[string]Resource

// Link is a link at the foot of a page, to another page of the same program.
type Link struct {
	Address string `json:"address"` // relative to the page
	Text    string `json:"text"`
}

// Links answers with links, which show.js adds to the page.
func Links(links []Link) Resource {
	body := Encode(append([]Link{}, links...)) // not null
	return Data(func() []byte { return body })
}

//go:embed files
var shared embed.FS

// contentTypes maps the extension of a file to its content type.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// AddFiles adds the files in the folder "page" of own, and those that all pages share. The page
// itself, page.html, is at the path without a name.
func (h Handler) AddFiles(own fs.FS) {
	h.addFolder(shared, "files")
	h.addFolder(own, "page")
}

func (h Handler) addFolder(files fs.FS, folder string) {
	entries, _ := fs.ReadDir(files, folder) // embedded files can always be read
	for _, entry := range entries {
		text, _ := fs.ReadFile(files, folder+"/"+entry.Name())
		h[strings.TrimSuffix(entry.Name(), "page.html")] = Resource{
			ContentType: contentTypes[path.Ext(entry.Name())],
			Answer:      func() (int, []byte) { return http.StatusOK, text },
		}
	}
}

// Security holds headers of every answer. Scripts, styles and figures may come only from the origin
// of the page.
var Security = map[string]string{
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
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range Security {
		w.Header().Set(name, value)
	}
	resource, ok := h[strings.TrimPrefix(r.URL.Path, "/")]
	status, body := http.StatusNotFound, []byte("not found\n")
	switch {
	case !ok:
		resource.ContentType = Plain
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		status, body = http.StatusMethodNotAllowed, []byte("use GET or HEAD\n")
		resource.ContentType = Plain
	default:
		status, body = resource.Answer()
	}
	w.Header().Set("Content-Type", resource.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, bytes.NewReader(body)) // whoever has gone needs no answer
	}
}

// Encode returns v in JSON, with HTML escaped.
func Encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // all types are from the packages that call it, and no float is NaN or infinite
	}
	return append(text, '\n')
}
