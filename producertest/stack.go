package producertest

import "github.com/forebay-go/forebay/internal/callers"

// callsBack has what calls callbacks.
var callsBack = map[string]string{callers.Name((*Recorder).unlocked): "a callback"}

// inCallback reports whether a callback has called the caller. The stack shows it, but not for
// which Recorder, so it counts only while r calls one.
func (r *Recorder) inCallback() bool {
	r.mu.Lock()
	calling := r.calling
	r.mu.Unlock()
	return calling && callers.Find(callsBack) != ""
}
