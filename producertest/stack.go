package producertest

import (
	"reflect"
	"runtime"
)

// callsBack is the name of what calls callbacks.
var callsBack = runtime.FuncForPC(reflect.ValueOf((*Recorder).unlocked).Pointer()).Name()

// inCallback reports whether a callback has called the caller. The stack shows it, but not for
// which Recorder, so it counts only while r calls one.
func (r *Recorder) inCallback() bool {
	r.mu.Lock()
	calling := r.calling
	r.mu.Unlock()
	if !calling {
		return false
	}
	var callers [256]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for more := true; more; {
		var frame runtime.Frame
		if frame, more = frames.Next(); frame.Function == callsBack {
			return true
		}
	}
	return false
}
