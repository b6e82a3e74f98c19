// Package slogcore writes Forebay's own log lines, which are zap's, through a slog.Handler, for
// applications that log with slog. Their context has the mark of package ownline.
//
// zap's own bridge (go.uber.org/zap/exp/zapslog) goes the other way, from slog to a zapcore.Core.
// This direction is on zap's list of open points, and no library for it is in wide use.
package slogcore

import (
	"iter"
	"log/slog"
	"maps"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/internal/ownline"
)

// New returns a logger whose lines h writes. They carry their place in the source, for handlers
// that show it.
func New(h slog.Handler) *zap.Logger { return zap.New(&core{h}, zap.AddCaller()) }

// core is a zapcore.Core.
type core struct{ h slog.Handler }

// Enabled reports whether the handler wants lines of that level.
func (c *core) Enabled(l zapcore.Level) bool { return c.h.Enabled(ownline.Context(), level(l)) }

// With adds fields to all lines.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	h := c.h
	for p := range parts(fields) {
		if len(p.attrs) > 0 {
			h = h.WithAttrs(p.attrs)
		}
		if p.opens != "" {
			h = h.WithGroup(p.opens)
		}
	}
	return &core{h}
}

// Check adds c to those that write the entry, if the handler wants it.
func (c *core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write has the handler write the line.
func (c *core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	var pc uintptr
	if entry.Caller.Defined {
		pc = entry.Caller.PC + 1 // zap has the call, and slog the place that it returns to
	}
	record := slog.NewRecord(entry.Time, level(entry.Level), entry.Message, pc)
	if entry.LoggerName != "" {
		record.AddAttrs(slog.String("logger", entry.LoggerName))
	}
	record.AddAttrs(nested(slices.Collect(parts(fields)))...)
	return c.h.Handle(ownline.Context(), record)
}

// Sync does nothing: a handler has no such method.
func (c *core) Sync() error { return nil }

// level returns the same level in slog's numbers. What zap has above error is above it here, too.
func level(l zapcore.Level) slog.Level { return slog.Level(4 * int(l)) }

// part are attributes, and the group that what follows is in, if one begins there.
type part struct {
	attrs []slog.Attr
	opens string
}

// parts returns fields in their parts.
func parts(fields []zapcore.Field) iter.Seq[part] {
	return func(yield func(part) bool) {
		var now part
		for _, f := range fields {
			if f.Type != zapcore.NamespaceType {
				now.attrs = append(now.attrs, attrs(f)...)
				continue
			}
			now.opens = f.Key
			if !yield(now) {
				return
			}
			now = part{}
		}
		yield(now)
	}
}

// nested returns the attributes of all parts, each in the groups that those before it have opened.
func nested(parts []part) (all []slog.Attr) {
	for _, p := range slices.Backward(parts) {
		if p.opens != "" {
			all = append(p.attrs, slog.Attr{Key: p.opens, Value: slog.GroupValue(all...)})
		} else {
			all = append(p.attrs, all...)
		}
	}
	return all
}

// attrs returns what a field says. An error may say two things: its text, and a longer one.
func attrs(f zapcore.Field) []slog.Attr {
	said := zapcore.NewMapObjectEncoder() // slow, but lines are few
	f.AddTo(said)
	return sorted(said.Fields)
}

// sorted returns the attributes for the entries of a map.
func sorted(entries map[string]any) (all []slog.Attr) {
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		all = append(all, slog.Attr{Key: key, Value: value(entries[key])})
	}
	return all
}

func value(v any) slog.Value {
	if object, ok := v.(map[string]any); ok {
		return slog.GroupValue(sorted(object)...)
	}
	return slog.AnyValue(v)
}
