package fleet

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/forebay-go/forebay/internal/similar"
)

// maxMistakes is the number of mistakes after which nothing more is noted.
const maxMistakes = 50

// maxTopics bounds the entries of topics. Topics that are alike take one entry.
const maxTopics = 10_000

// reader reads YAML nodes into a Fleet and goes on after a mistake. It walks the nodes itself,
// because the decoder of the library does not list the valid names and keeps no positions.
type reader struct {
	file     string
	mistakes []Mistake
	places   map[string]*yaml.Node // where each field was written
	wrong    map[string]bool       // fields with a mistake: one for each is enough
}

// fail notes a mistake at n, which is nil if something is missing.
func (r *reader) fail(n *yaml.Node, field, format string, args ...any) {
	if field != "" && r.wrong[field] || len(r.mistakes) >= maxMistakes {
		return
	}
	r.wrong[field] = true
	m := Mistake{File: r.file, Field: field, Text: fmt.Sprintf(format, args...)}
	if n != nil {
		m.Line, m.Column = n.Line, n.Column
	}
	r.mistakes = append(r.mistakes, m)
}

// readStruct reads the settings in n into v, which is at path.
func (r *reader) readStruct(v reflect.Value, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // all of it is commented out
	}
	names := namesOf(v.Type())
	if n.Kind != yaml.MappingNode {
		r.fail(n, path, "this is %s: write its settings, indented below it: %s", kindOf(n),
			strings.Join(names, ", "))
		return
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field := below(path, key.Value)
		line, twice := seen[key.Value]
		at := slices.Index(names, key.Value)
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fail(key, path, "this is %s, not a name: write \"name: value\"", kindOf(key))
		case twice:
			r.fail(key, field, "already set in line %d: keep one of them", line)
		case at < 0:
			r.fail(key, field, "unknown setting: %s", meant(key.Value, names))
			// what is set under a wrong name is not missing
			r.wrong[below(path, similar.Name(key.Value, names))] = true
		default:
			seen[key.Value] = key.Line
			r.places[field] = value
			r.readValue(v.Field(at), field, value)
		}
	}
}

// ofProducer has settings of a producer that a fleet file has in another form.
var ofProducer = map[string]string{
	"clusters": "this is a setting of a producer: \"forebay plan --help\" has those of a fleet",
	"batching": "write linger and batch_bytes below settings",
	"buffer":   "write buffer_bytes below settings",
	"max_bytes": "write batch_bytes for batching.max_bytes, or buffer_bytes for " +
		"buffer.max_bytes",
}

// meant returns what to write instead of an unknown name.
func meant(name string, names []string) string {
	if hint, ok := ofProducer[strings.TrimPrefix(name, "batching.")]; ok {
		return hint
	}
	if meant := similar.Name(name, names); meant != "" {
		return fmt.Sprintf("did you mean %s?", meant)
	}
	for _, group := range []struct {
		path string
		of   reflect.Type
	}{{"", reflect.TypeFor[Fleet]()}, {"settings.", reflect.TypeFor[Settings]()},
		{"topics[].", reflect.TypeFor[Topic]()}, {"broker.", reflect.TypeFor[Broker]()},
		{"limits.", reflect.TypeFor[Limits]()}} {
		if meant := similar.Name(name, namesOf(group.of)); meant != "" {
			return fmt.Sprintf("did you mean %s%s?", group.path, meant)
		}
	}
	return "write one of " + strings.Join(names, ", ")
}

// readValue reads n into v, which is at path.
func (r *reader) readValue(v reflect.Value, path string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.fail(n, path, "an alias (*%s): write the value itself", shown(n.Value))
	case v.Kind() == reflect.Slice:
		r.readTopics(v, path, n)
	case v.Kind() == reflect.Struct:
		r.readStruct(v, path, n)
	case n.Kind != yaml.ScalarNode:
		r.fail(n, path, "this is %s: write one value", kindOf(n))
	case n.Tag == "!!null":
		r.fail(n, path, "no value: write one, or remove the line to use the default")
	default:
		if err := setValue(v, lastName(path), n.Value); err != nil {
			r.fail(n, path, "%q: %v", shown(n.Value), err)
		}
	}
}

// readTopics reads the list n of topics into v.
func (r *reader) readTopics(v reflect.Value, path string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, path, "this is %s: write a list, each topic on lines of its own that begin "+
			"with \"- records_per_second: 1000\"", kindOf(n))
		return
	}
	if len(n.Content) > maxTopics {
		r.fail(n, path, "%d entries: write up to %d, and use count for topics that are alike",
			len(n.Content), maxTopics)
		return
	}
	topics := make([]Topic, len(n.Content))
	for i, child := range n.Content {
		topics[i] = defaultTopic()
		field := fmt.Sprintf("%s[%d]", path, i)
		r.places[field] = child
		if child.Kind == yaml.AliasNode {
			r.fail(child, field, "an alias (*%s): write the topic itself", shown(child.Value))
			continue
		}
		r.readStruct(reflect.ValueOf(&topics[i]).Elem(), field, child)
	}
	v.Set(reflect.ValueOf(topics))
}

// namesOf returns the names of the settings of a struct, in the order of its fields.
func namesOf(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("yaml")
	}
	return names
}

func below(path, name string) string {
	if path == "" {
		return shown(name)
	}
	return path + "." + shown(name)
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// shown returns text for a message, cut if it is long.
func shown(text string) string {
	const longest = 60
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of settings"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return fmt.Sprintf("a word, %q", shown(n.Value))
}
