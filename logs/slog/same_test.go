package slog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	forebayslog "github.com/forebay-go/forebay/logs/slog"
	"github.com/forebay-go/forebay/producertest"
)

// lineage is what is done to a handler, and what is logged then.
type lineage struct {
	steps []step
	attrs []slog.Attr
}

// step is a call of WithGroup, or of WithAttrs where group is empty.
type step struct {
	group string
	attrs []slog.Attr
}

func (l lineage) log(h slog.Handler, at time.Time, level slog.Level, message string) {
	for _, s := range l.steps {
		if s.group != "" {
			h = h.WithGroup(s.group)
		} else {
			h = h.WithAttrs(s.attrs)
		}
	}
	r := slog.NewRecord(at, level, message, 0)
	r.AddAttrs(l.attrs...)
	_ = h.Handle(nil, r) //nolint:staticcheck // neither handler looks at it
}

// valuer has its value when it is asked for it.
type valuer struct{ v slog.Value }

func (v valuer) LogValue() slog.Value { return v.v }

type texted struct{ text string }

func (t texted) MarshalText() ([]byte, error) { return []byte(t.text), nil }

var (
	keys  = rapid.SampledFrom([]string{"a", "b", "c", "drop", "rename", "", `"<ü>`, "time", "msg"})
	texts = rapid.SampledFrom([]string{"", "a", "ä\u2028<&>", "\x00\xff\"\\\n", "longer than others"})
)

func values(depth int) *rapid.Generator[slog.Value] {
	return rapid.Custom(func(t *rapid.T) slog.Value {
		text := texts.Draw(t, "text")
		switch rapid.IntRange(0, 15).Draw(t, "kind") {
		case 0:
			return slog.Int64Value(rapid.Int64().Draw(t, "int"))
		case 1:
			return slog.Uint64Value(rapid.Uint64().Draw(t, "uint"))
		case 2:
			return slog.Float64Value(rapid.Float64().Draw(t, "float"))
		case 3:
			return slog.BoolValue(rapid.Bool().Draw(t, "bool"))
		case 4:
			return slog.DurationValue(time.Duration(rapid.Int64().Draw(t, "span")))
		case 5:
			return slog.TimeValue(time.Unix(rapid.Int64Range(0, 1<<35).Draw(t, "time"), 5).UTC())
		case 6:
			return slog.AnyValue(errors.New(text))
		case 7:
			return slog.AnyValue(map[string]any{"k": text, "l": []int{1}})
		case 8:
			return slog.AnyValue([]byte(text))
		case 9:
			return slog.AnyValue(texted{text})
		case 10:
			return slog.AnyValue(json.RawMessage(`{"raw": [1, null]}`))
		case 11:
			return slog.AnyValue(nil)
		case 12:
			return slog.AnyValue(slog.Level(rapid.IntRange(-9, 9).Draw(t, "level")))
		case 13:
			if depth > 0 {
				return slog.AnyValue(valuer{values(depth-1).Draw(t, "value")})
			}
		case 14, 15:
			if depth > 0 {
				return slog.GroupValue(attrs(depth-1, 1).Draw(t, "group")...)
			}
		}
		return slog.StringValue(text)
	})
}

func attrs(depth, least int) *rapid.Generator[[]slog.Attr] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) slog.Attr {
		return slog.Attr{Key: keys.Draw(t, "key"), Value: values(depth).Draw(t, "value")}
	}), least, 4)
}

func lineages(t *rapid.T) (l lineage) {
	for range rapid.IntRange(0, 4).Draw(t, "steps") {
		s := step{attrs: attrs(2, 0).Draw(t, "with")}
		if rapid.Bool().Draw(t, "opens") {
			s = step{group: rapid.SampledFrom([]string{"g", "h"}).Draw(t, "group")}
		}
		l.steps = append(l.steps, s)
	}
	l.attrs = attrs(2, 0).Draw(t, "attrs")
	return l
}

// replace does what applications do with attributes. It does not look at the groups, because those
// of slog.JSONHandler are wrong behind a group of which it leaves nothing.
func replace(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case "drop":
		return slog.Attr{}
	case "rename":
		return slog.Group("renamed", slog.Any("value", a.Value))
	case slog.TimeKey:
		if a.Value.Kind() == slog.KindTime {
			return slog.Int64("ts", a.Value.Time().Unix())
		}
	}
	return a
}

// Whatever is logged, the line says the same as that of slog.JSONHandler.
func TestHandler_WritesWhatSlogWrites(t *testing.T) {
	for name, rep := range map[string]func([]string, slog.Attr) slog.Attr{
		"plain": nil, "with ReplaceAttr": replace,
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				l, message := lineages(t), texts.Draw(t, "message")
				level := slog.Level(rapid.IntRange(-9, 9).Draw(t, "level"))
				at := rapid.SampledFrom([]time.Time{{}, time.Unix(1, 2)}).Draw(t, "at")
				var want bytes.Buffer
				l.log(slog.NewJSONHandler(&want, &slog.HandlerOptions{ReplaceAttr: rep}), at, level,
					message)
				var r producertest.Recorder
				h, err := forebayslog.New(&r, "logs", &forebayslog.Options{ReplaceAttr: rep})
				require.NoError(t, err)
				l.log(h, at, level, message)
				got := canonical(t, r.Records()[0].Value)
				if !json.Valid(want.Bytes()) {
					t.Skip("slog forgets a comma behind a group of which it leaves nothing")
				}
				require.Equal(t, canonical(t, want.Bytes()), got)
			})
		})
	}
}

// canonical returns a line in one form: without the groups that are empty, because slog leaves some
// of them out, and with numbers of one form. Members keep their order, because keys may be there
// twice.
func canonical(t require.TestingT, line []byte) string {
	d := json.NewDecoder(bytes.NewReader(line))
	var out bytes.Buffer
	require.NoError(t, object(d, &out), "%s", line)
	return out.String()
}

// object copies the next value.
func object(d *json.Decoder, out *bytes.Buffer) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, isDelim := token.(json.Delim)
	if !isDelim {
		return json.NewEncoder(out).Encode(token)
	}
	out.WriteString(open.String())
	for d.More() {
		member := bytes.Buffer{}
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			_ = json.NewEncoder(&member).Encode(key)
		}
		before := member.Len()
		if err := object(d, &member); err != nil {
			return err
		}
		if member.String()[before:] != "{}" {
			out.Write(member.Bytes())
		}
	}
	closing, err := d.Token()
	if err == nil {
		out.WriteString(closing.(json.Delim).String())
	}
	return err
}

// FuzzHandler: any text as a key, a message and a value makes one line of JSON that says it.
func FuzzHandler(f *testing.F) {
	f.Add("a", "said", "text", int64(1), 1.5)
	f.Add("", "\xff", "\u2028\"", int64(-1), -1e21)
	f.Fuzz(func(t *testing.T, key, message, text string, n int64, x float64) {
		l := lineage{steps: []step{{group: key}, {attrs: []slog.Attr{slog.String(key, text)}}},
			attrs: []slog.Attr{slog.Int64(key, n), slog.Any(key, []any{text, n}),
				slog.Any(key, errors.New(text)), slog.Group(key, slog.Any(text, []byte(key)))}}
		if x == x && x < 1e300 && x > -1e300 { // slog does not write what JSON does not have
			l.attrs = append(l.attrs, slog.Float64(key, x))
		}
		var want bytes.Buffer
		l.log(slog.NewJSONHandler(&want, nil), time.Unix(1, 2), slog.Level(n%100), message)
		var r producertest.Recorder
		h, err := forebayslog.New(&r, "logs", nil)
		require.NoError(t, err)
		l.log(h, time.Unix(1, 2), slog.Level(n%100), message)
		require.Equal(t, canonical(t, want.Bytes()), canonical(t, r.Records()[0].Value))
	})
}
