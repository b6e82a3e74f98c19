package zap

import (
	"fmt"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/logs"
)

// write encodes a line and sends it.
func (c *Core) write(e zapcore.Entry, fields []zapcore.Field) {
	encoded := false
	defer c.sink.Survive(&encoded)
	text, err := encode(c.encoder, e, fields)
	if err != nil {
		safe := slices.Clone(fields)
		if replacePanics(c.encoder, safe) {
			text, err = encode(c.encoder, e, safe)
		}
	}
	var key []byte
	if err == nil && c.key != nil {
		key = c.keyOf(e, fields)
	}
	encoded = true
	if err != nil {
		c.sink.Drop(fmt.Errorf("%w: %w", logs.ErrNotEncoded, err))
		return
	}
	c.sink.Send(text.Bytes(), key, c.priorities.Of(e.Level))
	text.Free()
}

// keyOf returns what Options.Key says, nil if it panics.
func (c *Core) keyOf(e zapcore.Entry, fields []zapcore.Field) (key []byte) {
	defer func() { _ = recover() }() // the line is worth more than its key
	return c.key(e, fields)
}

// encode encodes a line. If the encoder or a field panics, it returns an error.
func encode(with zapcore.Encoder, e zapcore.Entry, fields []zapcore.Field) (text *buffer.Buffer,
	err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return with.EncodeEntry(e, fields)
}

// withFields returns a copy of an encoder with the fields.
func withFields(e zapcore.Encoder, fields []zapcore.Field) zapcore.Encoder {
	with := e.Clone()
	if len(fields) == 0 || panicOf(with, fields...) == nil {
		return with
	}
	with = e.Clone() // a field has panicked in the middle
	safe := slices.Clone(fields)
	replacePanics(e, safe)
	_ = panicOf(with, safe...)
	return with
}

// replacePanics replaces the fields that panic by the text of the panic. It reports whether there
// are any.
func replacePanics(e zapcore.Encoder, fields []zapcore.Field) (any bool) {
	for i := range fields {
		if v := panicOf(e.Clone(), fields[i]); v != nil {
			fields[i] = zap.String(fields[i].Key, fmt.Sprintf("!PANIC: %v", v))
			any = true
		}
	}
	return any
}

// panicOf adds fields to an encoder, and returns what one of them panicked with, nil if none did.
func panicOf(e zapcore.Encoder, fields ...zapcore.Field) (v any) {
	defer func() { v = recover() }()
	for i := range fields {
		fields[i].AddTo(e)
	}
	return nil
}
