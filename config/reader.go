package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/forebay-go/forebay/internal/similar"
	"github.com/forebay-go/forebay/producer"
)

// maxValues bounds the values in one text. Aliases of aliases would make any number of them.
const maxValues = 100_000

// maxMistakes is after how many mistakes nothing more is read. It is not a configuration, then.
const maxMistakes = 200

// reader reads YAML into a configuration, field by field as the structs have them, and goes on
// after a mistake.
//
// The walk is ours because yaml's own decoder keeps no positions, does not say which names there
// are, and reports one kind of mistake at a time.
type reader struct {
	origins  *Origins
	variable string // of the environment that is read; "" while a file is
	mistakes []Mistake
	values   int // read so far
	zeros    []zero
}

// origin returns where n was written.
func (r *reader) origin(n *yaml.Node) Origin {
	if r.variable != "" {
		return Origin{Variable: r.variable}
	}
	return Origin{File: r.origins.file, Line: n.Line, Column: n.Column}
}

// fail takes note of a mistake at n.
func (r *reader) fail(n *yaml.Node, field, format string, args ...any) {
	switch {
	case len(r.mistakes) > maxMistakes:
		r.values = maxValues + 1 // nothing more is read
		return
	case len(r.mistakes) == maxMistakes:
		format, args = "and more: only the first %d mistakes are told", []any{maxMistakes}
	}
	r.mistakes = append(r.mistakes, Mistake{Origin: r.origin(n), Field: field,
		Text: fmt.Sprintf(format, args...)})
}

// place is where a value goes to.
type place struct {
	v      reflect.Value // settable
	path   string
	name   string // the last name in path
	secret bool
}

// at returns the place of f below p.
func (p place) at(f field) place {
	return place{p.v.FieldByIndex(f.index), below(p.path, f.name), f.name, p.secret || f.secret}
}

// read reads n into p. key is where its name was written, or n.
func (r *reader) read(p place, key, n *yaml.Node) {
	if !r.count(n, 1) {
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	t := p.v.Type()
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		r.readNothing(p, key)
		return
	}
	switch {
	case isScalar(t):
		r.origins.of[p.path] = r.origin(n)
		r.readScalar(p, n)
		return
	case t.Kind() == reflect.Pointer:
		if p.v.IsNil() {
			p.v.Set(reflect.New(t.Elem()))
		}
		p.v = p.v.Elem()
		r.read(p, key, n)
		return
	}
	r.origins.of[p.path] = r.origin(key)
	switch {
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		r.readStruct(p, n)
	case t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		r.readMap(p, n)
	case t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		r.readList(p, n)
	default:
		r.fail(n, p.path, "%s: %s", shown(p, n), wanted(p, n))
	}
}

// count reports whether some more values of n may be read.
func (r *reader) count(n *yaml.Node, values int) bool {
	if r.values <= maxValues && r.values+values > maxValues {
		r.fail(n, "",
			"more than %d values, with all aliases followed: no configuration needs as "+
				"many", maxValues)
	}
	r.values = min(r.values+values, maxValues+1)
	return r.values <= maxValues
}

// readNothing takes a name without a value. A group of settings may be empty, as when all of it is
// commented out.
func (r *reader) readNothing(p place, key *yaml.Node) {
	if isScalar(p.v.Type()) {
		r.origins.of[p.path] = r.origin(key)
		r.fail(key, p.path,
			"nothing is written here: write a value, or remove the line for the default")
		return
	}
	r.origins.of[p.path] = r.origin(key)
}

func (r *reader) readScalar(p place, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		r.fail(n, p.path, "%s: %s", shown(p, n), wanted(p, n))
		return
	}
	if err := setScalar(p.v, p.name, n.Value); err != nil {
		text := err.Error()
		if p.secret {
			text = "it cannot be read"
		}
		r.fail(n, p.path, "%s", text)
		return
	}
	if p.v.IsZero() && (p.v.CanInt() || p.v.CanFloat()) {
		r.readZero(p, n)
	}
}

// readZero takes a zero that somebody has written. In a Config it means the default, which is not
// what it says here.
func (r *reader) readZero(p place, n *yaml.Node) {
	switch p.name {
	case "linger":
		p.v.SetInt(int64(producer.NoLinger))
	case "guaranteed_share":
		p.v.SetFloat(producer.NoGuarantee)
	default:
		r.zeros = append(r.zeros, zero{p.path, n, r.variable})
	}
}

// zero is where a zero was written.
type zero struct {
	path     string
	n        *yaml.Node
	variable string
}

// rejectZeros finds the zeros that would have meant another value, by their defaults in full.
func (r *reader) rejectZeros(written, full producer.Config) {
	is := valuesByPath(written)
	defaults := valuesByPath(full)
	for _, z := range r.zeros {
		v, ok := defaults[z.path]
		// the last variable may have said something else
		if was, there := is[z.path]; !ok || !there || !was.IsZero() || v.IsZero() {
			continue
		}
		r.variable = z.variable
		r.fail(z.n, z.path,
			"0 is not allowed: write another value, or remove it for the default, %s", format(v,
				lastName(z.path)))
	}
	r.variable = ""
}

// valuesByPath returns all settings of cfg by their paths.
func valuesByPath(cfg producer.Config) map[string]reflect.Value {
	values := make(map[string]reflect.Value)
	for _, l := range leavesOf(reflect.ValueOf(cfg)) {
		values[l.path] = l.value
	}
	return values
}

// readStruct reads the settings that n names. A misspelt name is read as the one that was meant, so
// that one mistake is not followed by others that it causes.
func (r *reader) readStruct(p place, n *yaml.Node) {
	fields := fieldsOf(p.v.Type())
	names := namesOf(fields)
	pairs := r.pairs(p.path, n)
	for _, e := range pairs {
		i := slices.Index(names, e.name)
		if i < 0 {
			if r.unwrap(p, e, names) {
				continue
			}
			if hint := foreignHint(e.name, names); hint != "" {
				r.fail(e.key, below(p.path, e.name), "there is no such setting: %s", hint)
				continue
			}
			meant := similar.Name(e.name, names)
			r.fail(e.key, below(p.path, e.name), "%s", unknown(e.name, meant, names))
			if i = slices.Index(names, meant); i < 0 ||
				slices.ContainsFunc(pairs, func(o entry) bool { return o.name == meant }) {
				continue
			}
		}
		r.read(p.at(fields[i]), e.key, e.value)
	}
}

// unwrap reads what is below a name that groups settings of p, as "producer:" at the top may, and
// reports whether it does.
func (r *reader) unwrap(p place, e entry, names []string) bool {
	if e.value.Kind != yaml.MappingNode || len(e.value.Content) == 0 {
		return false
	}
	for i := 0; i < len(e.value.Content); i += 2 {
		if !slices.Contains(names, e.value.Content[i].Value) {
			return false
		}
	}
	r.fail(e.key, below(p.path, e.name),
		"there is no such setting: remove it, and indent what is below it as this line is")
	r.readStruct(p, e.value)
	return true
}

// unknown says that there is no setting called name, and which one was meant: here, or somewhere
// else.
func unknown(name, meant string, names []string) string {
	hint := "the settings here are " + strings.Join(names, ", ")
	if meant != "" {
		hint = fmt.Sprintf("did you mean %s?", meant)
	} else if places := elsewhere(name); len(places) > 0 {
		hint = fmt.Sprintf("did you mean %s?", strings.Join(places, " or "))
	}
	return "there is no such setting: " + hint
}

// elsewhere returns the paths of the settings, wherever they are, that may have been meant by name:
// three of them at most.
func elsewhere(name string) []string {
	all := pathsOf(reflect.TypeFor[producer.Config](), "")
	var names []string
	for _, path := range all {
		if last := lastName(path); !slices.Contains(names, last) {
			names = append(names, last)
		}
	}
	meant := similar.Name(name, names)
	places := slices.DeleteFunc(all, func(path string) bool { return lastName(path) != meant })
	return places[:min(len(places), 3)]
}

// pathsOf returns the paths of all settings of t, which is at path.
func pathsOf(t reflect.Type, path string) []string {
	var paths []string
	switch {
	case isScalar(t):
	case t.Kind() == reflect.Struct:
		for _, f := range fieldsOf(t) {
			path := below(path, f.name)
			paths = append(append(paths, path), pathsOf(t.FieldByIndex(f.index).Type, path)...)
		}
	case t.Kind() == reflect.Map:
		return pathsOf(t.Elem(), below(path, "<name>"))
	case t.Kind() == reflect.Slice:
		return pathsOf(t.Elem(), path+"[]")
	default:
		return pathsOf(t.Elem(), path)
	}
	return paths
}

// readMap reads what n names into a map. What it does not name stays.
func (r *reader) readMap(p place, n *yaml.Node) {
	t := p.v.Type()
	if p.v.IsNil() {
		p.v.Set(reflect.MakeMap(t))
	}
	for _, e := range r.pairs(p.path, n) {
		key := reflect.ValueOf(e.name).Convert(t.Key())
		value := reflect.New(t.Elem()).Elem()
		if is := p.v.MapIndex(key); is.IsValid() {
			value.Set(is)
		}
		r.read(place{value, below(p.path, e.name), e.name, p.secret}, e.key, e.value)
		p.v.SetMapIndex(key, value)
	}
}

// readList reads the items of n, in place of those that were there.
func (r *reader) readList(p place, n *yaml.Node) {
	list := reflect.MakeSlice(p.v.Type(), len(n.Content), len(n.Content))
	for i, child := range n.Content {
		r.read(place{list.Index(i), item(p.path, i), p.name, p.secret}, child, child)
	}
	p.v.Set(list)
}

// entry is a name and its value in a mapping.
type entry struct {
	name       string
	key, value *yaml.Node
}

// pairs returns the names in n with their values, and those of mappings that are merged into it
// with <<, which yield.
func (r *reader) pairs(path string, n *yaml.Node) []entry {
	if !r.count(n, len(n.Content)/2) {
		return nil
	}
	var pairs, merged []entry
	lines := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch line, twice := lines[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			r.fail(key, path, "a name is a word, and this is a %s", kindOf(key))
		case key.Tag == "!!merge":
			merged = append(merged, r.merged(path, value)...)
		case twice:
			r.fail(key, below(path, key.Value), "it is in line %d already: keep one of them", line)
		default:
			lines[key.Value] = key.Line
			pairs = append(pairs, entry{key.Value, n.Content[i], value})
		}
	}
	for _, m := range merged {
		if _, there := lines[m.name]; !there {
			lines[m.name] = m.key.Line
			pairs = append(pairs, m)
		}
	}
	return pairs
}

// merged returns the names in what stands behind a <<: a mapping, or a list of them, the first
// going before the others.
func (r *reader) merged(path string, n *yaml.Node) []entry {
	if !r.count(n, 1) {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.pairs(path, n)
	case yaml.SequenceNode:
		var pairs []entry
		for _, child := range n.Content {
			pairs = append(pairs, r.merged(path, child)...)
		}
		return pairs
	}
	r.fail(n, path, "<< takes the name of settings that are marked with &, as in \"<<: *common\"")
	return nil
}

// shown returns what was written at n, as a message shows it.
func shown(p place, n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "this is a " + kindOf(n)
	case p.secret || hasSecret(p.v.Type()):
		return "(secret)" // or one that stands a level too high
	}
	return quoted(n.Value)
}

// hasSecret reports whether one of the settings of a group is a secret.
func hasSecret(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && slices.ContainsFunc(fieldsOf(t),
		func(f field) bool { return f.secret })
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "group of settings"
	case yaml.SequenceNode:
		return "list"
	case yaml.AliasNode:
		return kindOf(n.Alias)
	}
	return "word"
}

// wanted says what to write at p in place of n, which is of another kind.
func wanted(p place, n *yaml.Node) string {
	t := p.v.Type()
	switch {
	case isScalar(t):
		return "write one value"
	case t.Kind() == reflect.Slice && n.Kind == yaml.ScalarNode && isScalar(t.Elem()) &&
		!p.secret && len(n.Value) < 60:
		return fmt.Sprintf("write a list: [%s]", n.Value)
	case t.Kind() == reflect.Slice:
		return fmt.Sprintf("write a list, each item on a line of its own, as in \"- %s\"",
			sample(t.Elem()))
	case t.Kind() == reflect.Map && isScalar(t.Elem()):
		return "write names and values, as in \"name: value\", indented below it"
	case t.Kind() == reflect.Map:
		return "write names of your choice, indented below it, and the settings of each below that"
	}
	if strings.HasSuffix(p.path, "]") {
		return "write " + sample(t)
	}
	return "write settings below it, indented: " + strings.Join(namesOf(fieldsOf(t)), ", ")
}

// sample returns what an item of a list looks like.
func sample(t reflect.Type) string {
	if t.Kind() != reflect.Struct {
		return "…"
	}
	return "{" + strings.Join(namesOf(fieldsOf(t)), ": …, ") + ": …}"
}
