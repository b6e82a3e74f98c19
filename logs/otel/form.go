package otel

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/forebay-go/forebay/logs/internal/sink"
)

// form is a form of records, by the Collector's own library.
type form struct {
	plog.Marshaler
	plog.Unmarshaler
}

var forms = map[Encoding]form{
	JSON:  {new(plog.JSONMarshaler), new(plog.JSONUnmarshaler)},
	Proto: {new(plog.ProtoMarshaler), new(plog.ProtoUnmarshaler)},
}

// shorten returns an encoded record in at most limit bytes, nil if it cannot: with its longest
// texts cut, or without its attributes.
func (f form) shorten(encoded []byte, limit int) []byte {
	data, err := f.UnmarshalLogs(encoded)
	if err != nil {
		return nil
	}
	r := data.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	r.Attributes().PutInt(sink.SizeKey, int64(len(encoded)))
	for most := limit / 2; most >= sink.ShortText; most /= 4 {
		cut(r.Body(), most)
		cutMap(r.Attributes(), most)
		if short, err := f.MarshalLogs(data); err == nil && len(short) <= limit {
			return short
		}
	}
	dropped := r.Attributes().Len() - 1
	r.Attributes().RemoveIf(func(key string, _ pcommon.Value) bool { return key != sink.SizeKey })
	r.SetDroppedAttributesCount(r.DroppedAttributesCount() + uint32(dropped)) //nolint:gosec // few
	if r.Body().Type() != pcommon.ValueTypeStr {
		r.Body().SetStr(sink.Cut(r.Body().AsString(), sink.ShortText))
	}
	if short, err := f.MarshalLogs(data); err == nil && len(short) <= limit {
		return short
	}
	return nil
}

// cut cuts all texts in v to most bytes, and slices to most elements.
func cut(v pcommon.Value, most int) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		v.SetStr(sink.Cut(v.Str(), most))
	case pcommon.ValueTypeBytes:
		if b := v.Bytes(); b.Len() > most {
			b.FromRaw(b.AsRaw()[:most])
		}
	case pcommon.ValueTypeMap:
		cutMap(v.Map(), most)
	case pcommon.ValueTypeSlice:
		i := 0
		v.Slice().RemoveIf(func(element pcommon.Value) bool {
			cut(element, most)
			i++
			return i > most
		})
	default: // small
	}
}

func cutMap(m pcommon.Map, most int) {
	for _, v := range m.All() {
		cut(v, most)
	}
}
