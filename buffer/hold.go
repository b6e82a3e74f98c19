package buffer

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Hold keeps records back until what they need is known, such as the ID of a schema. Package
// producer describes it under the same name. It is safe for concurrent use.
type Hold struct {
	name  string
	why   atomic.Pointer[string]
	patch atomic.Pointer[patch] // nil until Release; set under mu

	mu      sync.Mutex          // guards what follows; taken inside the lock of a topic
	keepers map[Keeper]struct{} // that keep records back for it; nil after Release
}

// patch is what takes the place of bytes of a value.
type patch struct {
	at    int
	bytes []byte
}

// into writes p into value, if that is long enough.
func (p *patch) into(value []byte) {
	if p.at <= len(value)-len(p.bytes) {
		copy(value[p.at:], p.bytes)
	}
}

// NewHold returns a Hold. Its name says what is waited for, such as `schema "plays-value"`.
func NewHold(name string) *Hold { return &Hold{name: name} }

// Name returns what NewHold was given.
func (h *Hold) Name() string { return h.name }

// Explain says why the records still wait, such as "the registry answers 503". The last call
// counts.
func (h *Hold) Explain(why string) { h.why.Store(&why) }

// String returns the name, and what Explain said last; of each no more than 300 bytes.
func (h *Hold) String() string {
	text := clip(h.name)
	if text == "" {
		text = "a hold without a name"
	}
	if why := h.why.Load(); why != nil && *why != "" {
		text += ": " + clip(*why)
	}
	return text
}

// clip returns the beginning of text: it may be an answer of somebody else.
func clip(text string) string {
	const most = 300
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Release lets the records go. In the value of each, a copy of bytes takes the place of as many
// bytes from offset at on. A value that ends before that, such as nil, stays as it is. Only the
// first Release counts. When it returns, no record that was sent before waits for h any more.
// Release panics if at is negative.
func (h *Hold) Release(at int, bytes []byte) {
	if at < 0 {
		panic("forebay: Hold.Release: at is negative (" + strconv.Itoa(at) +
			"): it is an offset in the value, from 0 on")
	}
	h.mu.Lock()
	if h.patch.Load() != nil {
		h.mu.Unlock()
		return
	}
	h.patch.Store(&patch{at, append([]byte(nil), bytes...)})
	keepers := h.keepers
	h.keepers = nil
	h.mu.Unlock()
	for k := range keepers { // nobody else changes what was taken out
		k.Released(h)
	}
}

// Keeper keeps records back for Holds. It must be comparable.
type Keeper interface {
	// Released is called once h is released, without a lock.
	Released(h *Hold)
}

// Keep has k called when h is released. It reports false if that has happened.
func Keep(h *Hold, k Keeper) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.patch.Load() != nil {
		return false
	}
	if h.keepers == nil {
		h.keepers = make(map[Keeper]struct{})
	}
	h.keepers[k] = struct{}{}
	return true
}

// Leave takes Keep back: k keeps nothing for h any more.
func Leave(h *Hold, k Keeper) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.keepers, k); len(h.keepers) == 0 {
		h.keepers = nil // a map does not become smaller
	}
}

// Patched returns a copy of value with the patch of h in its place, nil for nil. It returns value
// and false if h is not released.
func Patched(h *Hold, value []byte) (patched []byte, released bool) {
	p := h.patch.Load()
	if p == nil || value == nil {
		return value, p != nil
	}
	patched = append([]byte{}, value...)
	p.into(patched)
	return patched, true
}
