//go:build linux || darwin

package drive

import (
	"runtime"
	"syscall"
	"time"
)

// usage is what the process has used so far.
type usage struct {
	at         time.Time
	cpu        int64 // nanoseconds
	mallocs    uint64
	allocBytes uint64
}

func used() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := usage{mallocs: m.Mallocs, allocBytes: m.TotalAlloc, at: time.Now()}
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) == nil {
		u.cpu = r.Utime.Nano() + r.Stime.Nano()
	}
	return u
}

// since puts what was used since u into a result.
func (u usage) since(r *Result) {
	now := used()
	r.WallNanos = int64(now.at.Sub(u.at))
	r.CPUNanos = now.cpu - u.cpu
	r.Mallocs = int64(now.mallocs - u.mallocs)
	r.AllocBytes = int64(now.allocBytes - u.allocBytes)
}
