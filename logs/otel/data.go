package otel

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// dataOf returns a record as OTLP has it: in its scope, in its resource.
func dataOf(r *sdklog.Record) plog.Logs {
	all := plog.NewLogs()
	of := all.ResourceLogs().AppendEmpty()
	if res := r.Resource(); res != nil {
		of.SetSchemaUrl(text(res.SchemaURL()))
		for i := res.Iter(); i.Next(); {
			putAttribute(of.Resource().Attributes(), i.Attribute())
		}
	}
	in, scope := of.ScopeLogs().AppendEmpty(), r.InstrumentationScope()
	in.SetSchemaUrl(text(scope.SchemaURL))
	in.Scope().SetName(text(scope.Name))
	in.Scope().SetVersion(text(scope.Version))
	for i := scope.Attributes.Iter(); i.Next(); {
		putAttribute(in.Scope().Attributes(), i.Attribute())
	}
	fill(in.LogRecords().AppendEmpty(), r)
	return all
}

// fill copies what a record has of its own.
func fill(to plog.LogRecord, r *sdklog.Record) {
	to.SetTimestamp(timestamp(r.Timestamp()))
	to.SetObservedTimestamp(timestamp(r.ObservedTimestamp()))
	to.SetSeverityNumber(plog.SeverityNumber(r.Severity())) //nolint:gosec // from 0 to 24
	to.SetSeverityText(text(r.SeverityText()))
	to.SetEventName(text(r.EventName()))
	to.SetTraceID(pcommon.TraceID(r.TraceID()))
	to.SetSpanID(pcommon.SpanID(r.SpanID()))
	to.SetFlags(plog.LogRecordFlags(r.TraceFlags()))
	to.SetDroppedAttributesCount(uint32(max(0, r.DroppedAttributes()))) //nolint:gosec // few
	put(to.Body(), r.Body())
	to.Attributes().EnsureCapacity(r.AttributesLen())
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		putAttribute(to.Attributes(), kv)
		return true
	})
}

// timestamp returns t in OTLP, whose times begin in 1970; zero means none.
func timestamp(t time.Time) pcommon.Timestamp {
	if t.Unix() < 0 {
		return 0
	}
	return pcommon.NewTimestampFromTime(t)
}

// text returns s in valid UTF-8, as protobuf demands.
func text(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func putAttribute(to pcommon.Map, kv attribute.KeyValue) {
	put(to.PutEmpty(text(string(kv.Key))), kv.Value)
}

// put copies a value.
func put(to pcommon.Value, v attribute.Value) {
	switch v.Type() {
	case attribute.BOOL:
		to.SetBool(v.AsBool())
	case attribute.INT64:
		to.SetInt(v.AsInt64())
	case attribute.FLOAT64:
		to.SetDouble(v.AsFloat64())
	case attribute.STRING:
		to.SetStr(text(v.AsString()))
	case attribute.BYTESLICE:
		to.SetEmptyBytes().FromRaw(v.AsByteSlice())
	case attribute.MAP:
		m := to.SetEmptyMap()
		for _, kv := range v.AsMap() {
			putAttribute(m, kv)
		}
	case attribute.SLICE:
		putSlice(to, v.AsSlice(), put)
	case attribute.BOOLSLICE:
		putSlice(to, v.AsBoolSlice(), pcommon.Value.SetBool)
	case attribute.INT64SLICE:
		putSlice(to, v.AsInt64Slice(), pcommon.Value.SetInt)
	case attribute.FLOAT64SLICE:
		putSlice(to, v.AsFloat64Slice(), pcommon.Value.SetDouble)
	case attribute.STRINGSLICE:
		putSlice(to, v.AsStringSlice(), func(to pcommon.Value, s string) { to.SetStr(text(s)) })
	default: // EMPTY stays empty
	}
}

func putSlice[T any](to pcommon.Value, values []T, put func(pcommon.Value, T)) {
	s := to.SetEmptySlice()
	s.EnsureCapacity(len(values))
	for _, v := range values {
		put(s.AppendEmpty(), v)
	}
}
