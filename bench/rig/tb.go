// Package rig is what a measurement stands on: real Kafka, the drivers in processes of their own,
// the CPU that a broker takes, and a proxy that counts what passes.
package rig

import (
	"context"
	"fmt"
	"log"
	"os"
	"testing"
)

// TB is a testing.TB for a program that is no test, so that it can use what was made for tests. A
// failure ends what runs in [Do] with an error. What is not written here a measurement has no use
// for.
type TB struct {
	testing.TB // nil

	ctx      context.Context
	dirs     []string
	cleanups []func()
	failed   bool
}

// failure is what Do catches.
type failure struct{ error }

// Do runs f and then what it wanted cleaned up, and returns what it failed of.
func Do(ctx context.Context, f func(t *TB)) (err error) {
	t := &TB{ctx: ctx}
	defer func() {
		if p := recover(); p != nil {
			failure, ok := p.(failure)
			if !ok {
				t.cleanUp()
				panic(p)
			}
			err = failure.error
		}
		t.cleanUp()
	}()
	f(t)
	if t.failed {
		return fmt.Errorf("something went wrong; it is in the log above")
	}
	return nil
}

func (t *TB) cleanUp() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
	for _, dir := range t.dirs {
		_ = os.RemoveAll(dir) // it is in the temporary folder
	}
}

// Check fails if err is not nil.
func (t *TB) Check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// What follows is testing.TB, as far as Kafka for tests needs it.

// Helper does nothing.
func (t *TB) Helper() {}

// Name names what runs.
func (t *TB) Name() string { return "bench" }

// Context ends with the program's.
func (t *TB) Context() context.Context { return t.ctx }

// Cleanup has f called in the end.
func (t *TB) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

// Failed reports whether Errorf was called.
func (t *TB) Failed() bool { return t.failed }

// Logf logs.
func (t *TB) Logf(format string, args ...any) { log.Printf(format, args...) }

// Errorf logs, and has Do fail in the end.
func (t *TB) Errorf(format string, args ...any) {
	t.failed = true
	log.Printf(format, args...)
}

// Fatalf ends what runs in Do.
func (t *TB) Fatalf(format string, args ...any) {
	t.failed = true
	panic(failure{fmt.Errorf(format, args...)})
}

// FailNow ends what runs in Do.
func (t *TB) FailNow() { t.Fatalf("failed") }

// Skipf ends what runs in Do.
func (t *TB) Skipf(format string, args ...any) { t.Fatalf(format, args...) }

// TempDir returns a folder that is removed in the end.
func (t *TB) TempDir() string {
	dir, err := os.MkdirTemp("", "bench-")
	t.Check(err)
	t.dirs = append(t.dirs, dir)
	return dir
}
