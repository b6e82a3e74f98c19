package slog

import (
	"log/slog"

	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// newEncoder returns an encoder for the context of handlers. If it writes the time, the level, the
// source and the message of an entry, these have the names and formats that slog gives them.
// Otherwise encodeReplaced writes them, since ReplaceAttr may rewrite them.
func newEncoder(builtins bool) zapcore.Encoder {
	c := zapcore.EncoderConfig{SkipLineEnding: true, EncodeTime: zapcore.RFC3339NanoTimeEncoder,
		EncodeDuration: zapcore.NanosDurationEncoder, EncodeCaller: encodeSource,
		NewReflectedEncoder: newReflector}
	if builtins {
		c.TimeKey, c.CallerKey, c.MessageKey = slog.TimeKey, slog.SourceKey, slog.MessageKey
		c.NameKey = slog.LevelKey // zap's levels are fewer than those of slog
	}
	return zapcore.NewJSONEncoder(c)
}

// encodeSource writes the place of a call as slog does.
func encodeSource(c zapcore.EntryCaller, to zapcore.PrimitiveArrayEncoder) {
	_ = to.(zapcore.ArrayEncoder).AppendObject(members(sourceAttrs(&slog.Source{
		Function: c.Function, File: c.File, Line: c.Line})))
}

// sourceAttrs returns what slog writes of a source.
func sourceAttrs(s *slog.Source) (attrs []slog.Attr) {
	if s.Function != "" {
		attrs = append(attrs, slog.String("function", s.Function))
	}
	if s.File != "" {
		attrs = append(attrs, slog.String("file", s.File))
	}
	if s.Line != 0 {
		attrs = append(attrs, slog.Int("line", s.Line))
	}
	return attrs
}

var builtinEncoder = newEncoder(false)

// encodeReplaced encodes a line whose time, level, source and message ReplaceAttr may rewrite.
func (h *Handler) encodeReplaced(l *line) (*buffer.Buffer, error) {
	rest, err := l.encode(h, zapcore.Entry{})
	if err != nil {
		return nil, err
	}
	defer rest.Free()
	l.addBuiltins(h.source)
	l.writer = writer{shared: h.shared}
	first, err := builtinEncoder.EncodeEntry(zapcore.Entry{}, l.fields[:])
	if err != nil {
		return nil, err
	}
	l.scratch = append(l.scratch[:0], first.Bytes()[:first.Len()-len("}")]...)
	if first.Len() > len("{}") && rest.Len() > len("{}") {
		l.scratch = append(l.scratch, ',')
	}
	l.scratch = append(l.scratch, rest.Bytes()[len("{"):]...)
	first.Reset()
	first.AppendBytes(l.scratch)
	return first, nil
}

// addBuiltins sets the attributes for time, level, source and message.
func (l *line) addBuiltins(source bool) {
	r := &l.record
	if !r.Time.IsZero() {
		l.builtins = append(l.builtins, slog.Time(slog.TimeKey, r.Time.Round(0)))
	}
	l.builtins = append(l.builtins, slog.Any(slog.LevelKey, r.Level))
	if source {
		if s := r.Source(); s != nil {
			l.builtins = append(l.builtins, slog.Any(slog.SourceKey, s))
		}
	}
	l.builtins = append(l.builtins, slog.String(slog.MessageKey, r.Message))
}
