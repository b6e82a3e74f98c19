package avro

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/hamba/avro/v2"
)

// check encodes a sample of T, in which each pointer points to something, each list has an element,
// and each enum has a symbol of the schema: so every part of T meets its part of the schema. The
// zero value would hide what is behind a nil pointer, and its enums would be wrong.
func (c *codec[T]) check() (err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics for some types
			err = fmt.Errorf("%v", p)
		}
	}()
	var value T
	s := sample{seen: make(map[pair]bool), path: make(map[pair]bool)}
	s.fill(c.schema, reflect.ValueOf(&value).Elem())
	if s.wrong != nil {
		return s.wrong
	}
	if _, err = c.Append(nil, value); s.unsure {
		return nil // it may be the sample that is wrong
	}
	return err
}

// sample is the making of one.
type sample struct {
	seen   map[pair]bool // what is in it, and need not be there again: types may be recursive
	path   map[pair]bool // what the value to be filled is a part of, and cannot do without
	unsure bool          // some value was left as it is, because only the application can make it
	wrong  error
}

// pair is a record of the schema and a struct.
type pair struct {
	schema *avro.RecordSchema
	typ    reflect.Type
}

// has reports whether the sample has such a record.
func (s *sample) has(schema avro.Schema, t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	record, ok := resolve(schema).(*avro.RecordSchema)
	return ok && s.seen[pair{record, t}]
}

// resolve returns what a name stands for.
func resolve(schema avro.Schema) avro.Schema {
	if ref, ok := schema.(*avro.RefSchema); ok {
		return ref.Schema()
	}
	return schema
}

var (
	textMarshaler  = reflect.TypeFor[encoding.TextMarshaler]()
	unionConverter = reflect.TypeFor[avro.UnionConverter]()
)

// fill makes v a value that fits schema, if its type can.
func (s *sample) fill(schema avro.Schema, v reflect.Value) {
	schema = resolve(schema)
	kind := v.Kind()
	if kind == reflect.Interface || isOfTheApplication(schema, v.Type()) {
		s.unsure = true
		return
	}
	switch schema := schema.(type) {
	case *avro.RecordSchema:
		s.fillRecord(schema, v)
	case *avro.EnumSchema:
		if kind == reflect.String {
			v.SetString(schema.Symbols()[0])
		}
	case *avro.ArraySchema:
		if kind == reflect.Slice && !s.has(schema.Items(), v.Type().Elem()) {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			s.fillPart(schema.Items(), v.Index(0))
		}
	case *avro.MapSchema:
		s.fillMap(schema, v)
	case *avro.UnionSchema:
		s.fillUnion(schema, v)
	case *avro.FixedSchema:
		if kind == reflect.Uint64 {
			s.wrong = errors.New("uint64 for a fixed type is not encoded safely on several " +
				"goroutines: write [8]byte")
		}
		point(v)
	default:
		point(v) // of decimals
	}
}

// isOfTheApplication reports whether code of the application makes the value.
func isOfTheApplication(schema avro.Schema, t reflect.Type) bool {
	switch schema.Type() {
	case avro.String, avro.Enum:
		return t.Implements(textMarshaler) || reflect.PointerTo(t).Implements(textMarshaler)
	case avro.Union:
		return t.Implements(unionConverter) || t.Kind() == reflect.Map
	case avro.Record:
		return t.Kind() == reflect.Map
	}
	return false
}

// fillPart fills v, which is a part of a value that could also have none.
func (s *sample) fillPart(schema avro.Schema, v reflect.Value) {
	whole := s.path
	s.path = make(map[pair]bool)
	s.fill(schema, v)
	s.path = whole
}

// point makes a pointer that is nil point to a zero value, and returns that.
func point(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

func (s *sample) fillRecord(schema *avro.RecordSchema, v reflect.Value) {
	if v = point(v); v.Kind() != reflect.Struct {
		return
	}
	p := pair{schema, v.Type()}
	if s.path[p] {
		s.wrong = fmt.Errorf("record %s is a part of itself, and no value has an end: write a "+
			"union with null for the field", schema.FullName())
		return
	}
	s.seen[p], s.path[p] = true, true
	defer delete(s.path, p)
	for _, field := range schema.Fields() {
		if f := s.field(v, field.Name()); f.IsValid() {
			s.fill(field.Type(), f)
		}
	}
}

// field returns the field of a struct, or of one that is embedded in it, that has a name for Avro.
func (s *sample) field(v reflect.Value, name string) (found reflect.Value) {
	for i := range v.NumField() {
		t := v.Type().Field(i)
		if t.Anonymous {
			inner := v.Field(i)
			if inner.Kind() == reflect.Pointer && inner.IsNil() {
				if !inner.CanSet() {
					s.unsure = true
					continue
				}
				inner.Set(reflect.New(inner.Type().Elem()))
			}
			inner = reflect.Indirect(inner)
			if inner.Kind() == reflect.Struct && !found.IsValid() {
				found = s.field(inner, name)
			}
			continue
		}
		called := t.Name
		if tag, ok := t.Tag.Lookup("avro"); ok {
			called, _, _ = strings.Cut(tag, ",")
		}
		if t.IsExported() && called == name {
			return v.Field(i)
		}
	}
	return found
}

func (s *sample) fillMap(schema *avro.MapSchema, v reflect.Value) {
	if v.Kind() != reflect.Map || s.has(schema.Values(), v.Type().Elem()) {
		return
	}
	if key := v.Type().Key(); key.Kind() != reflect.String {
		s.unsure = s.unsure || key.Implements(textMarshaler)
		return
	}
	element := reflect.New(v.Type().Elem()).Elem()
	s.fillPart(schema.Values(), element)
	v.Set(reflect.MakeMap(v.Type()))
	v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), element)
}

func (s *sample) fillUnion(schema *avro.UnionSchema, v reflect.Value) {
	if !schema.Nullable() {
		return
	}
	_, i := schema.Indices()
	other := schema.Types()[i]
	if s.has(other, v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		s.fillPart(other, point(v))
	case reflect.Slice:
		s.fillPart(other, v)
	}
}
