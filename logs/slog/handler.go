package slog

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/internal/ownline"
	"github.com/forebay-go/forebay/internal/slogcore"
	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/logs/internal/levels"
	"github.com/forebay-go/forebay/logs/internal/sink"
	"github.com/forebay-go/forebay/producer"
)

// Handler is a slog.Handler that sends each line as a record. Make one with New.
type Handler struct {
	*shared
	context zapcore.Encoder // the attributes of WithAttrs, in groups; not changed once it is set
	groups  []string        // of WithGroup
	opened  int             // how many of them context has
}

var _ slog.Handler = (*Handler)(nil)

// shared is what a Handler and all that derive from it have in common.
type shared struct {
	sink       *sink.Sink
	level      slog.Leveler
	source     bool
	replace    func([]string, slog.Attr) slog.Attr
	priorities levels.Table[slog.Level]
	key        func(context.Context, slog.Record) []byte
}

// New returns a Handler that sends lines with s to topic. The error names every argument and option
// that is wrong, and what to write instead. New does no I/O. The Handler does not close s.
func New(s producer.Sender, topic string, o *Options) (*Handler, error) {
	if o == nil {
		o = new(Options)
	}
	set := sink.Settings{Sender: s, Topic: topic, Headers: o.Headers}
	if o.Drops != nil {
		set.Tell = sink.Log(slogcore.New(o.Drops))
	}
	to, err := sink.New(set)
	table, wrong := levels.New(o.Priorities, defaultPriorities)
	if err = errors.Join(err, wrong); err != nil {
		return nil, err
	}
	h := &Handler{shared: &shared{sink: to, level: o.Level, source: o.AddSource,
		replace: o.ReplaceAttr, priorities: table, key: o.Key}}
	if h.level == nil {
		h.level = slog.LevelInfo
	}
	h.context = newEncoder(o.ReplaceAttr == nil)
	return h.withAttrs(o.Fields), nil
}

// Enabled reports whether lines of that level are sent.
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// WithAttrs returns a Handler whose lines have the attributes, too. Their values are encoded now.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.withAttrs(attrs) }

func (h *Handler) withAttrs(attrs []slog.Attr) *Handler {
	if len(attrs) == 0 {
		return h
	}
	w := writer{shared: h.shared, to: h.context.Clone(), groups: slices.Clip(h.groups),
		unopened: h.groups[h.opened:]}
	for _, a := range attrs {
		w.attr(a, 0)
	}
	return &Handler{h.shared, w.to.(zapcore.Encoder), h.groups, len(h.groups) - len(w.unopened)}
}

// WithGroup returns a Handler that puts the attributes that follow into a group, which is left out
// while it is empty.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &Handler{h.shared, h.context, append(slices.Clip(h.groups), name), h.opened}
}

// Handle sends the line. It returns nil, whatever becomes of the line, and never waits. Of ctx it
// hands the values to Options.Key.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if ownline.In(ctx) {
		h.sink.Own()
		return nil
	}
	h.handle(ctx, &r)
	return nil
}

// Stats returns the counts of this Handler, of the one that New has returned, and of all that
// derive from it: they count together.
func (h *Handler) Stats() logs.Stats { return h.sink.Stats() }
