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

	"github.com/forebay-go/forebay/internal/ownline"
	"github.com/forebay-go/forebay/internal/slogcore"
	"github.com/forebay-go/forebay/producer"
)

// WithLogger makes Watch log to log: one line for each change that is applied or refused.
func WithLogger(log *zap.Logger) Option {
	if log == nil {
		log = zap.NewNop()
	}
	log = log.WithOptions(zap.Fields(ownline.Field()))
	return optionFunc(func(o *options) { o.log = log })
}

// WithSlog makes Watch log to log as WithLogger does. The last of both options counts.
func WithSlog(log *slog.Logger) Option {
	if log == nil {
		return WithLogger(nil)
	}
	return WithLogger(slogcore.New(log.Handler()))
}

// WithReload makes Watch read the settings again at each value of trigger, as for a signal. Watch
// then logs the result even if nothing has changed.
func WithReload(trigger <-chan struct{}) Option {
	return optionFunc(func(o *options) { o.reload = trigger })
}

// WithOutcome makes Watch call fn after it has read the settings: with the name of their source,
// and nil if they are in force, or else every mistake, a line each. Calls do not overlap.
// Producer.SettingsFrom is made for fn: it shows the outcome in Stats.
func WithOutcome(fn func(source string, refused error)) Option {
	if fn == nil {
		fn = func(string, error) {}
	}
	return optionFunc(func(o *options) { o.outcome = fn })
}

// Watch applies the settings in the file at path when they change, until ctx ends:
//
//	cfg, _, err := config.Load(path)
//	...
//	p, err := producer.New(cfg)
//	...
//	go config.Watch(ctx, path, cfg, p.Reconfigure,
//		config.WithLogger(logger), config.WithOutcome(p.SettingsFrom))
//
// running has the settings in force at the beginning. opts must be those of Load. Watch calls apply
// with new settings that have no mistakes; calls do not overlap. If apply fails, the settings are
// refused. Refused settings, or a file that cannot be read, change nothing: Watch logs every
// mistake and waits for the next change.
//
// The file may be written to, replaced, or be behind symbolic links that change, as in a ConfigMap
// of Kubernetes. Watch reads it a tenth of a second after the last event, and every half minute in
// any case.
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

// WatchSource does what Watch does with the settings of src.
func WatchSource(ctx context.Context, src Source, running producer.Config,
	apply func(producer.Config) error, opts ...Option) {
	w := &watch{src: src, running: running, apply: apply, options: newOptions(opts)}
	w.log = w.log.With(zap.String("source", src.Name()))
	changed := src.Changed()
	w.look(ctx, false) // the settings may have changed since they were loaded
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

// watch is one call of WatchSource; only its goroutine uses it.
type watch struct {
	options
	src     Source
	apply   func(producer.Config) error
	running producer.Config
	seen    [sha256.Size]byte // the sum of the text read last
	failed  string            // why the last read failed; "" if it did not
	refused error             // why the text read last is not in force; nil if it is
}

// look applies the settings if they are not those in force. asked reports whether somebody waits
// for an answer.
func (w *watch) look(ctx context.Context, asked bool) {
	text, err := w.src.Load(ctx)
	if err != nil {
		if ctx.Err() == nil && (asked || w.failed != err.Error()) {
			w.log.Warn("settings cannot be read, the previous ones stay in force", zap.Error(err))
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
			w.outcome(w.src.Name(), w.refused) // as before the failure
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
			w.log.Info("settings unchanged")
		}
		return
	}
	if err := w.apply(cfg); err != nil {
		w.refuse(newError(origins.locate(err, cfg)))
		return
	}
	w.log.Info("settings applied", zap.Strings("changes", changes(w.running, cfg)))
	w.running = cfg
	w.inForce()
}

// inForce reports that the settings of the source are in force.
func (w *watch) inForce() {
	w.refused = nil
	w.outcome(w.src.Name(), nil)
}

// refuse logs and reports why settings were not applied.
func (w *watch) refuse(err error) {
	var lines []string
	if e, ok := errors.AsType[*Error](err); ok {
		for _, m := range e.Mistakes {
			lines = append(lines, m.Error())
		}
	}
	w.log.Error("settings refused, the previous ones stay in force", zap.Strings("mistakes", lines))
	if len(lines) == 0 {
		lines = []string{err.Error()}
	}
	w.refused = errors.New(strings.Join(lines, "\n"))
	w.outcome(w.src.Name(), w.refused)
}

// changes describes the differences between a and b.
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

// displayed returns the settings of cfg with their defaults, by field.
func displayed(cfg producer.Config) map[string]string {
	full, _ := cfg.Complete() // an option provides what these settings lack
	values := make(map[string]string)
	for _, s := range InForce(full) {
		values[s.Field] = s.Value
	}
	return values
}
