package config

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// field is a setting of a struct, under the name that files, variables and messages use.
type field struct {
	name   string
	index  []int // as for reflect.Value.FieldByIndex
	secret bool  // tagged secret:"true": its value is never shown
}

// known caches the fields of each struct type: []field by reflect.Type.
var known sync.Map

// fieldsOf returns the fields of a struct type, in the order of the struct.
func fieldsOf(t reflect.Type) []field {
	if fields, ok := known.Load(t); ok {
		return fields.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, opts, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		switch {
		case !sf.IsExported() || name == "-":
		case opts == "inline":
			for _, f := range fieldsOf(sf.Type) {
				f.index = slices.Concat([]int{i}, f.index)
				fields = append(fields, f)
			}
		default:
			fields = append(fields, field{cmp.Or(name, strings.ToLower(sf.Name)), []int{i},
				sf.Tag.Get("secret") == "true"})
		}
	}
	known.Store(t, fields)
	return fields
}

// namesOf returns the names of fields.
func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// below returns the path of name below at.
func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// item returns the path of an item of the list at.
func item(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isScalar reports whether a value of t is written as one word.
func isScalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(textType) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Pointer:
		return false
	}
	return true
}

// leaf is a setting without settings below it: a word, or a list of words.
type leaf struct {
	path   string
	value  reflect.Value
	secret bool
}

// leavesOf returns all leaves of v, in the order of the struct; those of a map by name.
func leavesOf(v reflect.Value) []leaf {
	var leaves []leaf
	var visit func(v reflect.Value, path string, secret bool)
	visit = func(v reflect.Value, path string, secret bool) {
		t := v.Type()
		switch {
		case isScalar(t), t.Kind() == reflect.Slice && isScalar(t.Elem()):
			leaves = append(leaves, leaf{path, v, secret})
		case t.Kind() == reflect.Struct:
			for _, f := range fieldsOf(t) {
				visit(v.FieldByIndex(f.index), below(path, f.name), secret || f.secret)
			}
		case t.Kind() == reflect.Map:
			for _, key := range keysOf(v) {
				visit(v.MapIndex(reflect.ValueOf(key).Convert(t.Key())), below(path, key), secret)
			}
		case t.Kind() == reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i), item(path, i), secret)
			}
		case t.Kind() == reflect.Pointer && !v.IsNil():
			visit(v.Elem(), path, secret)
		}
	}
	visit(v, "", false)
	return leaves
}

// keysOf returns the keys of a map, sorted.
func keysOf(m reflect.Value) []string {
	var keys []string
	for _, key := range m.MapKeys() {
		keys = append(keys, key.String())
	}
	slices.Sort(keys)
	return keys
}
