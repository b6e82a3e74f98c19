package slog

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"go.uber.org/zap/zapcore"
)

// deepest is how many groups may be in one another. A LogValue may return itself in a group.
const deepest = 100

// writer writes attributes by the rules of slog.
type writer struct {
	*shared
	to       zapcore.ObjectEncoder
	groups   []string // that the attributes are in, for ReplaceAttr
	unopened []string // the last of them, which are left out unless something is in them
}

// attr writes an attribute, unless nothing is left of it.
func (w *writer) attr(a slog.Attr, depth int) {
	a, ok := w.replaced(a)
	switch {
	case !ok:
	case a.Value.Kind() != slog.KindGroup:
		w.open()
		value(w.to, a)
	case a.Key == "": // its members stand where it would
		for _, m := range a.Value.Group() {
			if depth < deepest {
				w.attr(m, depth+1)
			}
		}
	default:
		if all := w.group(nil, a, depth+1); len(all) > 0 {
			w.open()
			_ = w.to.AddObject(a.Key, all)
		}
	}
}

// open opens the groups that the next attribute is in.
func (w *writer) open() {
	for _, name := range w.unopened {
		w.to.OpenNamespace(name)
	}
	w.unopened = nil
}

// group appends the members of group g to all, without those of which nothing is left.
func (w *writer) group(all members, g slog.Attr, depth int) members {
	in := w
	if g.Key != "" {
		in = &writer{shared: w.shared, groups: append(slices.Clip(w.groups), g.Key)}
	}
	for _, a := range g.Value.Group() {
		a, ok := in.replaced(a)
		switch {
		case !ok:
		case a.Value.Kind() != slog.KindGroup:
			all = append(all, a)
		case depth >= deepest:
			all = append(all, slog.String(a.Key, "!ERROR: too many groups in one another"))
		case a.Key == "":
			all = in.group(all, a, depth+1)
		default:
			if inner := in.group(nil, a, depth+1); len(inner) > 0 {
				all = append(all, slog.Attr{Key: a.Key, Value: slog.GroupValue(inner...)})
			}
		}
	}
	return all
}

// replaced returns what ReplaceAttr makes of an attribute, and whether anything is left of it.
func (w *writer) replaced(a slog.Attr) (slog.Attr, bool) {
	a.Value = a.Value.Resolve()
	if w.replace != nil && a.Value.Kind() != slog.KindGroup {
		a = w.callReplace(a)
		a.Value = a.Value.Resolve()
	}
	if a.Value.Kind() == slog.KindAny {
		v := a.Value.Any()
		if a.Key == "" && v == nil {
			return a, false
		}
		if s, ok := v.(*slog.Source); ok && s != nil {
			a.Value = slog.GroupValue(sourceAttrs(s)...)
		}
	}
	return a, true
}

// callReplace calls ReplaceAttr and survives it.
func (w *writer) callReplace(a slog.Attr) (b slog.Attr) {
	defer func() {
		if v := recover(); v != nil {
			b = slog.String(a.Key, fmt.Sprintf("!PANIC: %v", v))
		}
	}()
	return w.replace(w.groups, a)
}

// members are the attributes of a group. They are resolved, and none is empty.
type members []slog.Attr

// MarshalLogObject writes them. It never fails.
func (m members) MarshalLogObject(to zapcore.ObjectEncoder) error {
	for _, a := range m {
		if a.Value.Kind() == slog.KindGroup {
			_ = to.AddObject(a.Key, members(a.Value.Group()))
		} else {
			value(to, a)
		}
	}
	return nil
}

// value writes an attribute that is no group.
func value(to zapcore.ObjectEncoder, a slog.Attr) {
	switch v := a.Value; v.Kind() {
	case slog.KindString:
		to.AddString(a.Key, v.String())
	case slog.KindInt64:
		to.AddInt64(a.Key, v.Int64())
	case slog.KindUint64:
		to.AddUint64(a.Key, v.Uint64())
	case slog.KindFloat64:
		to.AddFloat64(a.Key, v.Float64())
	case slog.KindBool:
		to.AddBool(a.Key, v.Bool())
	case slog.KindDuration:
		to.AddDuration(a.Key, v.Duration())
	case slog.KindTime:
		to.AddTime(a.Key, v.Time())
	default:
		anything(to, a.Key, v.Any())
	}
}

// anything writes a value of any type. Its methods may panic: nothing of it is written before they
// have returned.
func anything(to zapcore.ObjectEncoder, key string, v any) {
	defer func() {
		if p := recover(); p != nil {
			to.AddString(key, panicText(v, p))
		}
	}()
	switch v := v.(type) {
	case slog.Level:
		to.AddString(key, v.String())
	case json.Marshaler:
		reflected(to, key, v)
	case error:
		to.AddString(key, v.Error())
	default:
		reflected(to, key, v)
	}
}

func reflected(to zapcore.ObjectEncoder, key string, v any) {
	if err := to.AddReflected(key, v); err != nil {
		to.AddString(key, "!ERROR:"+err.Error())
	}
}

// panicText is what stands for a value whose method panicked with p, as slog has it.
func panicText(v, p any) string {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
		return "<nil>"
	}
	return fmt.Sprintf("!PANIC: %v", p)
}
