// Package callers tells what functions have called the one that asks.
package callers

import (
	"reflect"
	"runtime"
)

// Name returns the name of a function or method, as Find takes it.
func Name(fn any) string { return runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name() }

// Find returns what wanted, which is by the names of functions, has for the nearest caller that is
// in it, "" if none is. It looks at the goroutine that calls it, not at the one that began that.
func Find(wanted map[string]string) string {
	var callers [64]uintptr
	for skip := 0; ; {
		n := runtime.Callers(skip, callers[:])
		if n == 0 {
			return ""
		}
		skip += n
		for frames, more := runtime.CallersFrames(callers[:n]), true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if what := wanted[frame.Function]; what != "" {
				return what
			}
		}
	}
}
