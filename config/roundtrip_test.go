package config

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/forebay-go/forebay/producer"
)

// fill gives every setting of v a value of its own.
func fill(t *testing.T, v reflect.Value, number *int) {
	*number++
	n := *number
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		for _, word := range []string{"low", "medium", "high", "1"} { // extend it for other types
			if u.UnmarshalText([]byte(word)) == nil && n%2 == 0 {
				return
			}
		}
		require.False(t, v.IsZero(), "%v takes none of the words", v.Type())
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("word %d: #, \"'", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(n)) // of a time, nanoseconds
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1 / float64(n))
	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			fill(t, v.FieldByIndex(f.index), number)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), number)
		fill(t, v.Index(1), number)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"one", "another_one"} {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(t, value, number)
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), value)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), number)
	default:
		require.FailNow(t, "a setting of a kind that nothing here can read", v.Type().String())
	}
}

// full returns a configuration in which everything is set.
func full(t *testing.T) producer.Config {
	var cfg producer.Config
	fill(t, reflect.ValueOf(&cfg).Elem(), new(int))
	leaves := leavesOf(reflect.ValueOf(cfg))
	require.Greater(t, len(leaves), 60)
	for _, l := range leaves {
		require.False(t, l.value.IsZero(), l.path)
	}
	requireEveryFieldNamed(t, reflect.TypeOf(cfg))
	return cfg
}

// requireEveryFieldNamed fails for a field without a yaml tag: its name would be an accident.
func requireEveryFieldNamed(t *testing.T, of reflect.Type) {
	switch of.Kind() {
	case reflect.Struct:
		for i := range of.NumField() {
			f := of.Field(i)
			require.True(t, !f.IsExported() || f.Tag.Get("yaml") != "", "%v.%s has no yaml tag", of,
				f.Name)
			requireEveryFieldNamed(t, f.Type)
		}
	case reflect.Slice, reflect.Map, reflect.Pointer:
		requireEveryFieldNamed(t, of.Elem())
	}
}

// bare is format, but shows secrets.
func bare(v reflect.Value, name string) string {
	if v.Kind() == reflect.String {
		return v.String()
	}
	return format(v, name)
}

// node returns v as YAML.
func node(v reflect.Value, name string) *yaml.Node {
	word := func(text string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle,
			Value: text}
	}
	t := v.Type()
	n := &yaml.Node{Kind: yaml.MappingNode}
	switch {
	case isScalar(t):
		return word(bare(v, name))
	case t.Kind() == reflect.Pointer:
		return node(v.Elem(), name)
	case t.Kind() == reflect.Slice:
		n.Kind = yaml.SequenceNode
		for i := range v.Len() {
			n.Content = append(n.Content, node(v.Index(i), name))
		}
	case t.Kind() == reflect.Map:
		for _, key := range keysOf(v) {
			n.Content = append(n.Content, word(key),
				node(v.MapIndex(reflect.ValueOf(key).Convert(t.Key())), key))
		}
	default:
		for _, f := range fieldsOf(t) {
			if value := v.FieldByIndex(f.index); !value.IsZero() {
				n.Content = append(n.Content, word(f.name), node(value, f.name))
			}
		}
	}
	return n
}

// yamlOf returns cfg as the text of a file.
func yamlOf(t testing.TB, cfg producer.Config) []byte {
	text, err := yaml.Marshal(node(reflect.ValueOf(cfg), ""))
	require.NoError(t, err)
	return text
}

// environOf returns v as variables, one for each setting below name. A map of words is one
// variable.
func environOf(t testing.TB, v reflect.Value, name, last string) map[string]string {
	environ := make(map[string]string)
	add := func(v reflect.Value, part string) {
		maps.Copy(environ, environOf(t, v, name+"_"+inVariable(part), part))
	}
	switch kind := v.Kind(); {
	case isScalar(v.Type()):
		environ[name] = bare(v, last)
	case (kind == reflect.Map || kind == reflect.Slice) && isScalar(v.Type().Elem()):
		n := node(v, last)
		n.Style = yaml.FlowStyle
		text, err := yaml.Marshal(n)
		require.NoError(t, err)
		environ[name] = strings.TrimSpace(string(text))
	case kind == reflect.Pointer:
		return environOf(t, v.Elem(), name, last)
	case kind == reflect.Map:
		for _, key := range keysOf(v) {
			add(v.MapIndex(reflect.ValueOf(key).Convert(v.Type().Key())), key)
		}
	case kind == reflect.Slice:
		for i := range v.Len() {
			add(v.Index(i), fmt.Sprint(i))
		}
	default:
		for _, f := range fieldsOf(v.Type()) {
			add(v.FieldByIndex(f.index), f.name)
		}
	}
	return environ
}

func newReader() *reader {
	return &reader{origins: &Origins{file: "f", of: make(map[string]Origin)}}
}

func TestRoundTrip_EverySettingThroughAFile(t *testing.T) {
	want := full(t)
	text := yamlOf(t, want)
	var got producer.Config
	r := newReader()
	r.readFile(&got, text)
	require.Empty(t, r.mistakes)
	require.Equal(t, want, got)
	for _, l := range leavesOf(reflect.ValueOf(got)) {
		require.Positive(t, r.origins.Of(l.path).Line, l.path)
	}
}

func TestRoundTrip_EverySettingThroughTheEnvironment(t *testing.T) {
	want := full(t)
	variables := environOf(t, reflect.ValueOf(want), "FOREBAY", "")
	require.Greater(t, len(variables), 50)
	var environ []string
	// in the least helpful order
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(variables))) {
		environ = append(environ, name+"="+variables[name])
	}
	var got producer.Config
	r := newReader()
	r.readEnvironment(&got, environ)
	require.Empty(t, r.mistakes)
	require.Equal(t, want, got)
	for _, l := range leavesOf(reflect.ValueOf(got)) {
		require.Contains(t, variables, r.origins.Of(l.path).Variable, l.path)
	}
}

func TestRoundTrip_EverySettingThroughCode(t *testing.T) {
	want := full(t)
	got, origins, _ := Parse("f.yaml", []byte(valid), WithEnviron(),
		Override(func(cfg *producer.Config) { *cfg = want }))
	require.Equal(t, want, got)
	for _, l := range leavesOf(reflect.ValueOf(got)) {
		require.Equal(t, Origin{Code: true}, origins.Of(l.path), l.path)
	}
	require.Zero(t, origins.Of("clusters.events.brokers"), "it is gone")
}

// The settings of the tests above cannot all be in force at once. These are.
func TestRoundTrip_EffectiveSettingsAreSettings(t *testing.T) {
	cfg := load(t, valid+"batching: {linger: none}\ntopics: [{topic: a, priority: low}]\n")
	settings, err := Effective(cfg, nil)
	require.NoError(t, err)
	complete, err := cfg.Complete()
	require.NoError(t, err)
	again := load(t, string(yamlOf(t, complete)))
	got, err := Effective(again, nil)
	require.NoError(t, err)
	require.Equal(t, settings, got)
	_, err = Effective(producer.Config{}, nil)
	require.Error(t, err)
}

func TestInForce_ReturnsSettingsThatAnOptionCompletes(t *testing.T) {
	cfg := load(t, valid)
	events := cfg.Clusters["events"]
	events.SASL = producer.SASLConfig{Mechanism: "oauthbearer"}
	cfg.Clusters["events"] = events
	_, err := Effective(cfg, nil)
	require.Error(t, err, "nobody provides a token")
	p, err := producer.New(cfg, producer.WithCredentials("events",
		func(context.Context) (producer.Credentials, error) {
			return producer.Credentials{}, errors.New("not yet")
		}))
	require.NoError(t, err)
	defer func() { _, _ = p.Close(context.Background()) }()
	settings := InForce(p.Config())
	require.Contains(t, settings, Setting{Field: "clusters.events.sasl.mechanism",
		Value: `"oauthbearer"`})
	require.Contains(t, settings, Setting{Field: "batching.linger", Value: "10ms"})
}

func FuzzLoad(f *testing.F) {
	for _, text := range mistaken(f) {
		f.Add(text, strings.Join(environIn(text), "\n"))
	}
	f.Add(valid, "FOREBAY_BUFFER_MAX_BYTES=64MiB")
	f.Add("clusters: {a: &a {brokers: [x:1]}, medium: {<<: *a}}",
		"FOREBAY_CLUSTERS={c: {brokers: ['d:1']}}")
	if text, err := os.ReadFile("../examples/fronting.yaml"); err == nil {
		f.Add(string(text), "")
	}
	f.Fuzz(func(t *testing.T, text, environ string) {
		cfg, origins, err := Parse("f.yaml", []byte(text),
			WithEnviron(strings.Split(environ, "\n")...))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		_, err = Effective(cfg, origins)
		require.NoError(t, err)
		if !utf8.ValidString(environ) {
			return // a file is UTF-8
		}
		again, _, err := Parse("again.yaml", yamlOf(t, cfg), WithEnviron())
		require.NoError(t, err)
		require.Equal(t, valuesOf(cfg), valuesOf(again))
	})
}
