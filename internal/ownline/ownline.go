// Package ownline marks the log lines that Forebay writes itself. Packages that send log lines as
// events leave them out: a line about a lost event must not become an event.
//
// A line of zap has a field with the mark, a line of log/slog a context. Both ways reach the same
// value, because bridges from zap take a context from such a field.
package ownline

import (
	"context"

	"go.uber.org/zap/zapcore"
)

type key struct{}

var marked = context.WithValue(context.Background(), key{}, true)

// Context returns the context of Forebay's own lines. It never ends.
func Context() context.Context { return marked }

// In reports whether ctx, which may be nil, has the mark.
func In(ctx context.Context) bool { return ctx != nil && ctx.Value(key{}) != nil }

// Field returns the mark as a field, of which encoders write nothing.
func Field() zapcore.Field { return zapcore.Field{Type: zapcore.SkipType, Interface: marked} }

// Among reports whether fields have the mark.
func Among(fields []zapcore.Field) bool {
	for i := range fields {
		if fields[i].Type != zapcore.SkipType {
			continue
		}
		if ctx, ok := fields[i].Interface.(context.Context); ok && In(ctx) {
			return true
		}
	}
	return false
}
