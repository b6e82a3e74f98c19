package slog

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/logs"
)

// line is a line while it is encoded.
type line struct {
	writer
	record   slog.Record
	builtins []slog.Attr      // time, level, source and message, while those are encoded
	fields   [1]zapcore.Field // the line itself, for the encoder
	scratch  []byte
}

var lines = sync.Pool{New: func() any {
	l := new(line)
	l.fields[0] = zapcore.Field{Type: zapcore.InlineMarshalerType, Interface: l}
	return l
}}

// free gives l back. It keeps nothing of the application.
func (l *line) free() {
	clear(l.builtins)
	l.record, l.writer, l.builtins = slog.Record{}, writer{}, l.builtins[:0]
	if cap(l.scratch) <= 4<<10 {
		lines.Put(l)
	}
}

// handle encodes a line and sends it.
func (h *Handler) handle(ctx context.Context, r *slog.Record) {
	encoded := false
	defer h.sink.Survive(&encoded)
	text, err := h.encode(r)
	var key []byte
	if err == nil && h.key != nil {
		key = h.keyOf(ctx, r)
	}
	encoded = true
	if err != nil {
		h.sink.Drop(fmt.Errorf("%w: %w", logs.ErrNotEncoded, err))
		return
	}
	h.sink.Send(text.Bytes(), key, h.priorities.Of(r.Level))
	text.Free()
}

// keyOf returns what Options.Key says, nil if it panics.
func (h *Handler) keyOf(ctx context.Context, r *slog.Record) (key []byte) {
	defer func() { _ = recover() }() // the line is worth more than its key
	return h.key(ctx, *r)
}

// encode returns the line in JSON.
func (h *Handler) encode(r *slog.Record) (*buffer.Buffer, error) {
	l := lines.Get().(*line)
	defer l.free()
	l.record = *r
	if h.replace != nil {
		return h.encodeReplaced(l)
	}
	entry := zapcore.Entry{Time: r.Time, LoggerName: r.Level.String(), Message: r.Message}
	if h.source {
		entry.Caller = callerOf(r)
	}
	return l.encode(h, entry)
}

// encode encodes the attributes behind what the encoder writes of an entry.
func (l *line) encode(h *Handler, entry zapcore.Entry) (*buffer.Buffer, error) {
	l.writer = writer{shared: h.shared, groups: h.groups, unopened: h.groups[h.opened:]}
	return h.context.EncodeEntry(entry, l.fields[:])
}

// MarshalLogObject writes the attributes of the line. It never fails.
func (l *line) MarshalLogObject(to zapcore.ObjectEncoder) error {
	l.to = to
	if len(l.builtins) > 0 {
		for _, a := range l.builtins {
			l.attr(a, 0)
		}
		return nil
	}
	l.record.Attrs(func(a slog.Attr) bool {
		l.attr(a, 0)
		return true
	})
	return nil
}

// callerOf returns where the line was logged.
func callerOf(r *slog.Record) zapcore.EntryCaller {
	s := r.Source()
	if s == nil {
		return zapcore.EntryCaller{}
	}
	return zapcore.EntryCaller{Defined: true, Function: s.Function, File: s.File, Line: s.Line}
}
