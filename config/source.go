package config

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Source provides settings while a program runs: a file, or a property service.
type Source interface {
	// Name names the source in messages, as in "forebay.yaml:3:7".
	Name() string

	// Load returns the current settings as the text of a file. It may take long, but returns when
	// ctx ends.
	Load(ctx context.Context) ([]byte, error)

	// Changed returns a channel that gets a value when Load may return something new; extra values
	// do no harm. One slot is enough: send with a default. Changed is called once. A nil channel
	// means that the settings never change by themselves.
	Changed() <-chan struct{}
}

const (
	// settle is how long a file must be left alone before it is read: editors and copies write in
	// several steps.
	settle = 100 * time.Millisecond
	// unsettled is how long events may go on before the file is read anyway, as in a folder where
	// they never end.
	unsettled = 2 * time.Second
	// poll is how often a file is read without an event: network file systems send none.
	poll = 30 * time.Second
)

// file is the source that reads a file.
//
// It watches the folder, not the file: editors replace the file, and Kubernetes replaces a folder
// that a symbolic link beside it points to. If links lead to another folder, it watches that one as
// well. It ignores the names in events; Watch compares the content.
type file struct {
	path    string
	poll    time.Duration
	changed chan struct{} // one slot; sent by run; never closed
	// nil if the system has no watchers left: then the file is only polled
	events *fsnotify.Watcher
}

// newFile returns the source of the file at path. The caller must call its run.
func newFile(path string, poll time.Duration) *file {
	f := &file{path: path, poll: poll, changed: make(chan struct{}, 1)}
	f.events, _ = fsnotify.NewWatcher()
	f.watch()
	return f
}

// Name returns the path of the file.
func (f *file) Name() string { return f.path }

// Load reads the file as soon as nobody has written to it for a moment: before, it may be
// incomplete.
func (f *file) Load(ctx context.Context) ([]byte, error) {
	for first := time.Now(); time.Since(first) < unsettled; {
		info, err := os.Stat(f.path)
		if err != nil {
			return nil, err
		}
		age := time.Since(info.ModTime())
		if age < 0 || age >= settle { // a time in the future says nothing
			break
		}
		select {
		case <-time.After(settle - age):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return slurp(f.path)
}

// Changed returns a channel that gets a value when the file may have changed.
func (f *file) Changed() <-chan struct{} { return f.changed }

// watch subscribes to the events of the folders of the file. run calls it again after each event
// and each poll, which finds folders that are new or were replaced.
func (f *file) watch() {
	if f.events == nil {
		return
	}
	_ = f.events.Add(filepath.Dir(f.path)) // if it fails, polling remains
	if end, err := filepath.EvalSymlinks(f.path); err == nil {
		_ = f.events.Add(filepath.Dir(end))
	}
}

// run sends to changed after events and polls, until ctx ends.
func (f *file) run(ctx context.Context) {
	var events <-chan fsnotify.Event
	var errs <-chan error
	if f.events != nil {
		defer func() { _ = f.events.Close() }() // the error does not matter
		events, errs = f.events.Events, f.events.Errors
	}
	look := time.NewTicker(f.poll)
	defer look.Stop()
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	defer quiet.Stop()
	var first time.Time // the first event that was not sent on yet; zero if none
	for {
		select {
		case <-events:
			if first.IsZero() {
				first = time.Now()
			}
			quiet.Reset(max(0, min(settle, unsettled-time.Since(first))))
			continue
		case <-errs: //nolint:errcheck // events may have been lost
		case <-quiet.C:
		case <-look.C:
		case <-ctx.Done():
			return
		}
		first = time.Time{}
		f.watch()
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}
}
