package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/forebay-go/forebay/internal/similar"
	"github.com/forebay-go/forebay/producer"
)

// maxValues bounds the values in one text: aliases of aliases could make any number of them.
const maxValues = 100_000

// maxMistakes is the number of mistakes after which nothing more is read: the file is probably not
// a settings file.
const maxMistakes = 200

// reader reads YAML into a configuration, field by field, and goes on after a mistake.
//
// It does not use the decoder of the YAML library, which keeps no positions, does not list the
// valid names, and reports one kind of mistake at a time.
type reader struct {
	origins  *Origins
	variable string // the variable being read; "" while a file is read
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

// fail records a mistake at n.
func (r *reader) fail(n *yaml.Node, field, format string, args ...any) {
	switch {
	case len(r.mistakes) > maxMistakes:
		r.values = maxValues + 1 // nothing more is read
		return
	case len(r.mistakes) == maxMistakes:
		format, args = "more mistakes follow: only the first %d are listed", []any{maxMistakes}
	}
	r.mistakes = append(r.mistakes, Mistake{Origin: r.origin(n), Field: field,
		Text: fmt.Sprintf(format, args...)})
}

// place is where a value is stored.
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

// read reads n into p. key is the node of its name, or n.
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

// count adds values of n to those read, and reports whether they may be read.
func (r *reader) count(n *yaml.Node, values int) bool {
	if r.values <= maxValues && r.values+values > maxValues {
		r.fail(n, "", "more than %d values, aliases included: use fewer aliases", maxValues)
	}
	r.values = min(r.values+values, maxValues+1)
	return r.values <= maxValues
}

// readNothing reads a name without a value. A group of settings may be empty, as when all of it is
// commented out.
func (r *reader) readNothing(p place, key *yaml.Node) {
	if isScalar(p.v.Type()) {
		r.origins.of[p.path] = r.origin(key)
		r.fail(key, p.path, "no value: write one, or remove the line to use the default")
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
			text = "invalid value, not shown because it is secret"
		}
		r.fail(n, p.path, "%s", text)
		return
	}
	if p.v.IsZero() && (p.v.CanInt() || p.v.CanFloat()) {
		r.readZero(p, n)
	}
}

// readZero reads a zero. In a Config a zero means the default, which is not what the file says.
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

// rejectZeros reports the zeros that would have meant a default other than zero. full has the
// defaults.
func (r *reader) rejectZeros(written, full producer.Config) {
	is := valuesByPath(written)
	defaults := valuesByPath(full)
	for _, z := range r.zeros {
		v, ok := defaults[z.path]
		// a later variable may have set another value
		if was, there := is[z.path]; !ok || !there || !was.IsZero() || v.IsZero() {
			continue
		}
		r.variable = z.variable
		r.fail(z.n, z.path,
			"0 is not allowed: write another value, or remove it to use the default, %s",
			format(v, lastName(z.path)))
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

// readStruct reads the settings in n. It reads a misspelt name as the one that was meant, so that
// one mistake does not cause others.
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
				r.fail(e.key, below(p.path, e.name), "unknown setting: %s", hint)
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

// unwrap reads the settings of p below a needless name, such as "producer:" at the top. It reports
// whether e is one.
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
		"unknown setting: remove this line, and indent the lines below it as this line is")
	r.readStruct(p, e.value)
	return true
}

// unknown returns the text about an unknown setting, and which one was meant: here, or elsewhere.
func unknown(name, meant string, names []string) string {
	hint := "write one of " + strings.Join(names, ", ")
	if meant != "" {
		hint = fmt.Sprintf("did you mean %s?", meant)
	} else if places := elsewhere(name); len(places) > 0 {
		hint = fmt.Sprintf("did you mean %s?", strings.Join(places, " or "))
	}
	return "unknown setting: " + hint
}

// elsewhere returns the paths of up to three settings anywhere that may have been meant by name.
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
	slices.SortStableFunc(places, func(a, b string) int { // what is for all goes before exceptions
		return cmp.Compare(strings.Count(a, "[]"), strings.Count(b, "[]"))
	})
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

// readMap reads n into a map. Keys that n lacks stay.
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

// readList replaces a list by the items of n.
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

// pairs returns the names in n with their values, and then those of mappings that << merges into n,
// unless n has them.
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
			r.fail(key, path, "this is a %s, not a name: write \"name: value\"", kindOf(key))
		case key.Tag == "!!merge":
			merged = append(merged, r.merged(path, value)...)
		case twice:
			r.fail(key, below(path, key.Value), "already set in line %d: keep one of them", line)
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

// merged returns the names in the value of <<: a mapping, or a list of mappings of which the
// earlier ones take precedence.
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
	r.fail(n, path, "<< takes settings marked with &: write their name, such as \"<<: *common\"")
	return nil
}

// shown returns what was written at n, for a message.
func shown(p place, n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "this is a " + kindOf(n)
	case p.secret || hasSecret(p.v.Type()):
		return "(secret)" // or perhaps a secret a level too high
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

// wanted returns what to write at p instead of n, which is of the wrong kind.
func wanted(p place, n *yaml.Node) string {
	t := p.v.Type()
	switch {
	case isScalar(t):
		return "write one value"
	case t.Kind() == reflect.Slice && n.Kind == yaml.ScalarNode && isScalar(t.Elem()) &&
		!p.secret && len(n.Value) < 60:
		return fmt.Sprintf("write a list: [%s]", n.Value)
	case t.Kind() == reflect.Slice:
		return fmt.Sprintf("write a list, with each item on its own line, such as \"- %s\"",
			sample(t.Elem()))
	case t.Kind() == reflect.Map && isScalar(t.Elem()):
		return "write lines such as \"name: value\", indented below it"
	case t.Kind() == reflect.Map:
		return "write names of your choice, indented below it, each with its settings below it"
	}
	if strings.HasSuffix(p.path, "]") {
		return "write " + sample(t)
	}
	return "write its settings, indented below it: " + strings.Join(namesOf(fieldsOf(t)), ", ")
}

// mostShown is how many settings a message has of the form of a list item. Of more it has two.
const mostShown = 5

// sample returns the form of a list item.
func sample(t reflect.Type) string {
	if t.Kind() != reflect.Struct {
		return "…"
	}
	names, rest := namesOf(fieldsOf(t)), "}"
	if len(names) > mostShown {
		names, rest = names[:2], ", …}"
	}
	return "{" + strings.Join(names, ": …, ") + ": …" + rest
}
