package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/slogcore"
	"github.com/forebay-go/forebay/producer"
)

// WithLogger has Watch log to log: one line for each change that is put into force or refused.
func WithLogger(log *zap.Logger) Option {
	if log == nil {
		log = zap.NewNop()
	}
	return optionFunc(func(o *options) { o.log = log })
}

// WithSlog has Watch log to log as WithLogger says. Of both the one that is given last counts.
func WithSlog(log *slog.Logger) Option {
	if log == nil {
		return WithLogger(nil)
	}
	return WithLogger(slogcore.New(log.Handler()))
}

// WithReload has Watch read the settings again at each value of trigger, and say what came of it
// even if that is nothing: for signals.
func WithReload(trigger <-chan struct{}) Option {
	return optionFunc(func(o *options) { o.reload = trigger })
}

// WithOutcome has Watch call fn when it has looked at the settings: with the name of their source,
// and nil if what that says is in force, or else why it is not: every mistake, a line each. Calls
// come one after the other. Producer.SettingsFrom shows it in Stats.
func WithOutcome(fn func(source string, refused error)) Option {
	if fn == nil {
		fn = func(string, error) {}
	}
	return optionFunc(func(o *options) { o.outcome = fn })
}

// Watch puts settings into force when the file at path changes, until ctx ends:
//
//	cfg, _, err := config.Load(path)
//	...
//	p, err := producer.New(cfg)
//	...
//	go config.Watch(ctx, path, cfg, p.Reconfigure, config.WithLogger(logger), config.WithOutcome(p.SettingsFrom))
//
// running is what is in force at the beginning. opts are to be those of Load. apply is called with
// new settings that are without mistakes, one call after the other; if it fails they are refused.
// Settings that are refused, or a file that cannot be read, change nothing: that is logged with
// every mistake and where it is, and the next change is waited for.
//
// The file may be written to, replaced, or be behind symbolic links that change, as in a ConfigMap
// of Kubernetes. It is read a tenth of a second after the last event, and every half minute in any
// case.
func Watch(ctx context.Context, path string, running producer.Config,
	apply func(producer.Config) error, opts ...Option) {
	watchFile(ctx, newFile(path, poll), running, apply, opts)
}

func watchFile(ctx context.Context, f *file, running producer.Config,
	apply func(producer.Config) error, opts []Option) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.run(ctx)
	}()
	WatchSource(ctx, f, running, apply, opts...)
	stop()
	<-ended
}

// WatchSource does what Watch does with settings from elsewhere.
func WatchSource(ctx context.Context, src Source, running producer.Config,
	apply func(producer.Config) error, opts ...Option) {
	w := &watch{src: src, running: running, apply: apply, options: newOptions(opts)}
	w.log = w.log.With(zap.String("source", src.Name()))
	changed := src.Changed()
	w.look(ctx, false) // it may have changed since it was loaded
	for {
		select {
		case <-changed:
			w.look(ctx, false)
		case <-w.reload:
			w.look(ctx, true)
		case <-ctx.Done():
			return
		}
	}
}

// watch is one call of WatchSource, and belongs to its goroutine.
type watch struct {
	options
	src     Source
	apply   func(producer.Config) error
	running producer.Config
	seen    [sha256.Size]byte // of the text that was looked at last
	failed  string            // why it could not be read; "" if it could
	refused error             // why what was looked at last is not in force; nil if it is
}

// look puts the settings into force if they are not those that are. asked says that somebody waits
// for an answer.
func (w *watch) look(ctx context.Context, asked bool) {
	text, err := w.src.Load(ctx)
	if err != nil {
		if ctx.Err() == nil && (asked || w.failed != err.Error()) {
			w.log.Warn("settings cannot be read, those in force stay", zap.Error(err))
			w.outcome(w.src.Name(), err)
		}
		w.failed = err.Error()
		return
	}
	sum := sha256.Sum256(text)
	again := w.failed != ""
	w.failed = ""
	if sum == w.seen && !asked {
		if again {
			w.outcome(w.src.Name(), w.refused) // as it was before
		}
		return
	}
	first := w.seen == [sha256.Size]byte{} && !asked
	w.seen = sum
	cfg, origins, err := parse(w.src.Name(), text, w.options)
	if err != nil {
		w.refuse(err)
		return
	}
	if reflect.DeepEqual(cfg, w.running) {
		w.inForce()
		if !first || again {
			w.log.Info("settings are those in force")
		}
		return
	}
	if err := w.apply(cfg); err != nil {
		w.refuse(newError(origins.locate(err, cfg)))
		return
	}
	w.log.Info("settings put into force", zap.Strings("changes", changes(w.running, cfg)))
	w.running = cfg
	w.inForce()
}

// inForce tells that what the source says is in force.
func (w *watch) inForce() {
	w.refused = nil
	w.outcome(w.src.Name(), nil)
}

// refuse says why settings were not put into force.
func (w *watch) refuse(err error) {
	var lines []string
	if e, ok := errors.AsType[*Error](err); ok {
		for _, m := range e.Mistakes {
			lines = append(lines, m.Error())
		}
	}
	w.log.Error("settings refused, those in force stay", zap.Strings("mistakes", lines))
	if len(lines) == 0 {
		lines = []string{err.Error()}
	}
	w.refused = errors.New(strings.Join(lines, "\n"))
	w.outcome(w.src.Name(), w.refused)
}

// changes says what is other in b than in a.
func changes(a, b producer.Config) []string {
	was, is := displayed(a), displayed(b)
	var changes []string
	for _, field := range slices.Sorted(maps.Keys(is)) {
		if old, there := was[field]; !there {
			changes = append(changes, fmt.Sprintf("%s: %s", field, is[field]))
		} else if old != is[field] {
			changes = append(changes, fmt.Sprintf("%s: %s, was %s", field, is[field], old))
		}
	}
	for _, field := range slices.Sorted(maps.Keys(was)) {
		if _, there := is[field]; !there {
			changes = append(changes, field+": removed")
		}
	}
	return changes
}

// displayed returns the settings that cfg comes to, by field.
func displayed(cfg producer.Config) map[string]string {
	full, _ := cfg.Complete() // what is still wrong with settings in force, an option makes up for
	values := make(map[string]string)
	for _, s := range InForce(full) {
		values[s.Field] = s.Value
	}
	return values
}
