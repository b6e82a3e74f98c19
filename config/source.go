package config

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Source is where settings come from while a program runs: a file, or a property service that
// somebody has written one for.
type Source interface {
	// Name is what messages call it, as in "forebay.yaml:3:7".
	Name() string

	// Load returns the settings as they are now, as the text of a file. It may take its time, and
	// returns when ctx ends.
	Load(ctx context.Context) ([]byte, error)

	// Changed returns the channel that gets a value when Load may return something else; too often
	// does no harm. One slot is enough: send with a default. It is asked for once; a nil channel is
	// for what never changes by itself.
	Changed() <-chan struct{}
}

const (
	// settle is how long nothing must happen to a file before it is read: editors and copies write
	// in more than one go.
	settle = 100 * time.Millisecond
	// unsettled is how long things may happen before it is read all the same, as in a folder where
	// they never end.
	unsettled = 2 * time.Second
	// poll is how often a file is looked at without any event: network file systems have none.
	poll = 30 * time.Second
)

// file is the source that reads a file.
//
// Its folder is watched, not the file: editors replace it with another one, and Kubernetes replaces
// a folder that a symbolic link beside it points to. Where that points elsewhere, the folder of the
// file at its end is watched as well. Nothing is made of the name of an event; Watch sees by the
// content whether something has changed.
type file struct {
	path    string
	poll    time.Duration
	changed chan struct{} // one slot; sent by run; never closed
	// nil if the system has none left: then the file is only looked at now and then
	events *fsnotify.Watcher
}

// newFile returns the source of the file at path. Its run has to be called.
func newFile(path string, poll time.Duration) *file {
	f := &file{path: path, poll: poll, changed: make(chan struct{}, 1)}
	f.events, _ = fsnotify.NewWatcher()
	f.watch()
	return f
}

// Name returns the path of the file.
func (f *file) Name() string { return f.path }

// Load reads the file as soon as nobody has written to it for a moment: what is there before may be
// half of it.
func (f *file) Load(ctx context.Context) ([]byte, error) {
	for first := time.Now(); time.Since(first) < unsettled; {
		info, err := os.Stat(f.path)
		if err != nil {
			return nil, err
		}
		age := time.Since(info.ModTime())
		if age < 0 || age >= settle { // a time to come says nothing
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

// Changed returns a channel with a value when the file may have changed.
func (f *file) Changed() <-chan struct{} { return f.changed }

// watch has the events of the folders in which something may happen. One that was watched and is
// another one now, or was not there before, is found by that at the next event or look.
func (f *file) watch() {
	if f.events == nil {
		return
	}
	_ = f.events.Add(filepath.Dir(f.path)) // what fails is looked at without events
	if end, err := filepath.EvalSymlinks(f.path); err == nil {
		_ = f.events.Add(filepath.Dir(end))
	}
}

// run sends to changed until ctx ends.
func (f *file) run(ctx context.Context) {
	var events <-chan fsnotify.Event
	var errs <-chan error
	if f.events != nil {
		defer func() { _ = f.events.Close() }() // it has nothing to say
		events, errs = f.events.Events, f.events.Errors
	}
	look := time.NewTicker(f.poll)
	defer look.Stop()
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	defer quiet.Stop()
	var first time.Time // of the events that no look has followed; zero if there are none
	for {
		select {
		case <-events:
			if first.IsZero() {
				first = time.Now()
			}
			quiet.Reset(max(0, min(settle, unsettled-time.Since(first))))
			continue
		case <-errs: //nolint:errcheck // events may have been lost, so it looks
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
