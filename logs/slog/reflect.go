package slog

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"

	"go.uber.org/zap/zapcore"
)

// reflector writes values by package json. Unlike zap's own, it allocates no encoder for each line.
type reflector struct{ to io.Writer }

func newReflector(to io.Writer) zapcore.ReflectedEncoder { return reflector{to} }

// jsons are encoders and what they write to.
var jsons = sync.Pool{New: func() any {
	j := new(jsonEncoder)
	j.Encoder = json.NewEncoder(&j.text)
	j.SetEscapeHTML(false)
	return j
}}

type jsonEncoder struct {
	*json.Encoder
	text bytes.Buffer
}

// Encode writes v. If a method of v panics, the encoder is not used again.
func (r reflector) Encode(v any) error {
	j := jsons.Get().(*jsonEncoder)
	err := j.Encoder.Encode(v)
	if err == nil {
		_, err = r.to.Write(j.text.Bytes())
	}
	j.text.Reset()
	if j.text.Cap() <= 16<<10 {
		jsons.Put(j)
	}
	return err
}
