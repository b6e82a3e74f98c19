package config

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/forebay-go/forebay/internal/similar"
	"github.com/forebay-go/forebay/producer"
)

// prefix begins the name of each of our variables.
const prefix = "FOREBAY_"

// ofKubernetes matches the variables that Kubernetes sets in each container for a Service called
// "forebay" or "forebay-…".
var ofKubernetes = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$` +
	`|(^|_)PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$|^SERVICE_(HOST|PORT)`)

// readEnvironment reads our variables in environ ("name=value") into cfg. An empty one counts as
// not set.
func (r *reader) readEnvironment(cfg *producer.Config, environ []string) {
	root := place{v: reflect.ValueOf(cfg).Elem()}
	ours := make(map[string]string)
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			ours[rest] = value
		}
	}
	names := make([]string, 0, len(ours))
	for name := range ours {
		names = append(names, name)
	}
	slices.SortFunc(names, natural)
	for _, name := range names {
		r.variable = prefix + name
		found := false
		if ours[name] == "" {
			_, found = match(root.v, name)
		} else {
			found = r.set(root, name, ours[name])
		}
		if !found && !ofKubernetes.MatchString(name) {
			r.fail(nil, "", "unknown variable%s", meantVariable(root.v, name))
		}
	}
	r.variable = ""
}

// natural compares names in the order in which people count: a name before the names below it, and
// item 9 of a list before item 10.
func natural(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "_"), strings.Split(b, "_"), func(a, b string) int {
		n, err := strconv.Atoi(a)
		m, err2 := strconv.Atoi(b)
		if err == nil && err2 == nil && n != m {
			return cmp.Compare(n, m)
		}
		return cmp.Compare(a, b)
	})
}

// step is one part of a path: a field, the key of a map, or the number of an item.
type step struct {
	field field
	key   string
	index int
}

// match returns the steps from v to the setting called name, and whether it exists.
func match(v reflect.Value, name string) ([]step, bool) {
	if name == "" {
		return nil, true
	}
	switch t := v.Type(); {
	case isScalar(t):
	case t.Kind() == reflect.Struct:
		fields := slices.Clone(fieldsOf(t))
		// longer names first: topics before topic
		slices.SortStableFunc(fields, func(a, b field) int { return len(b.name) - len(a.name) })
		for _, f := range fields {
			if steps, ok := matchPart(v.FieldByIndex(f.index), name, f.name, step{field: f}); ok {
				return steps, true
			}
		}
	case t.Kind() == reflect.Map:
		return matchKey(v, name)
	case t.Kind() == reflect.Slice:
		number, _, _ := strings.Cut(name, "_")
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i <= v.Len() &&
			number == strconv.Itoa(i) {
			is := reflect.Zero(t.Elem())
			if i < v.Len() {
				is = v.Index(i)
			}
			return matchPart(is, name, number, step{index: i})
		}
	case v.IsNil():
		return match(reflect.Zero(t.Elem()), name)
	default:
		return match(v.Elem(), name)
	}
	return nil, false
}

// matchPart matches the rest of name after part, which leads to v by the step s.
func matchPart(v reflect.Value, name, part string, s step) ([]step, bool) {
	rest, ok := strings.CutPrefix(name, inVariable(part))
	if !ok || rest != "" && rest[0] != '_' || rest == "_" {
		return nil, false
	}
	steps, ok := match(v, strings.TrimPrefix(rest, "_"))
	return slices.Insert(steps, 0, s), ok
}

// matchKey matches name with an existing key of the map, else with the shortest new key that leaves
// the name of a setting.
func matchKey(v reflect.Value, name string) ([]step, bool) {
	keys := keysOf(v)
	slices.SortStableFunc(keys, func(a, b string) int { return len(b) - len(a) })
	for _, key := range keys {
		if steps, ok := matchPart(v.MapIndex(reflect.ValueOf(key).Convert(v.Type().Key())), name,
			key, step{key: key}); ok {
			return steps, true
		}
	}
	if isScalar(v.Type().Elem()) {
		// keys such as retention.ms are not ours and cannot be guessed
		return nil, false
	}
	for _, key := range newKeys(name) {
		if steps, ok := matchPart(reflect.Zero(v.Type().Elem()), name, key, step{key: key}); ok {
			return steps, true
		}
	}
	return nil, false
}

// newKeys returns the keys that name can begin with, if something follows them.
func newKeys(name string) []string {
	var keys []string
	for i, c := range name {
		if c == '_' && i > 0 && i < len(name)-1 {
			keys = append(keys, strings.ToLower(name[:i]))
		}
	}
	return keys
}

// inVariable returns name in the form that variables have.
func inVariable(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		}
		return '_'
	}, name)
}

// set reads text into the setting below root called name, and reports whether it exists.
func (r *reader) set(root place, name, text string) bool {
	steps, ok := match(root.v, name)
	if ok {
		r.follow(root, steps, text)
	}
	return ok
}

// follow follows steps from p, and reads text into the setting at their end.
func (r *reader) follow(p place, steps []step, text string) {
	t := p.v.Type()
	if t.Kind() == reflect.Pointer {
		if p.v.IsNil() {
			p.v.Set(reflect.New(t.Elem()))
		}
		p.v = p.v.Elem()
		r.follow(p, steps, text)
		return
	}
	if len(steps) == 0 {
		r.readVariable(p, text)
		return
	}
	r.origins.of[p.path] = cmp.Or(r.origins.of[p.path], Origin{Variable: r.variable})
	s, steps := steps[0], steps[1:]
	switch t.Kind() {
	case reflect.Struct:
		r.follow(p.at(s.field), steps, text)
	case reflect.Map:
		if p.v.IsNil() {
			p.v.Set(reflect.MakeMap(t))
		}
		key := reflect.ValueOf(s.key).Convert(t.Key())
		value := reflect.New(t.Elem()).Elem()
		if is := p.v.MapIndex(key); is.IsValid() {
			value.Set(is)
		}
		r.follow(place{value, below(p.path, s.key), s.key, p.secret}, steps, text)
		p.v.SetMapIndex(key, value)
	case reflect.Slice:
		if s.index == p.v.Len() {
			p.v.Set(reflect.Append(p.v, reflect.Zero(t.Elem())))
		}
		r.follow(place{p.v.Index(s.index), item(p.path, s.index), p.name, p.secret}, steps, text)
	}
}

// readVariable reads the text of a variable into p: a word as it is, a list or a map of words
// separated by commas, and anything else, or text in brackets, as YAML. It replaces an existing
// list or map.
func (r *reader) readVariable(p place, text string) {
	t := p.v.Type()
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	switch {
	case isScalar(t):
	case inBrackets(text) || !(t.Kind() == reflect.Slice || t.Kind() == reflect.Map) ||
		!isScalar(t.Elem()):
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil || !inBrackets(text) {
			r.fail(n, p.path, "%s: write YAML in one line, such as [{name: value}]", shown(p, n))
			return
		}
		n = doc.Content[0]
	case t.Kind() == reflect.Slice:
		n = commas(text, yaml.SequenceNode)
	default:
		n = commas(text, yaml.MappingNode)
		if len(n.Content) == 0 {
			r.fail(n, p.path, "%s: write name=value,name=value", quoted(text))
			return
		}
	}
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		p.v.SetZero()
		r.origins.forget(p.path)
	}
	r.read(p, n, n)
}

// inBrackets reports whether text is a YAML list or map; [::1]:9092 is not.
func inBrackets(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") ||
		strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}")
}

// commas returns the parts of text as a list, or as a map if each part is name=value.
func commas(text string, kind yaml.Kind) *yaml.Node {
	list := &yaml.Node{Kind: kind}
	word := func(text string) {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str",
			Value: strings.TrimSpace(text)})
	}
	for part := range strings.SplitSeq(text, ",") {
		if kind == yaml.MappingNode {
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return &yaml.Node{Kind: kind}
			}
			word(name)
			part = value
		}
		word(part)
	}
	return list
}

// meantVariable returns a hint which variable was meant by name.
func meantVariable(v reflect.Value, name string) string {
	if hint := foreignHint(name, nil); hint != "" {
		return ": " + hint
	}
	if meant := similar.Name(name, variables(v, name)); meant != "" {
		return fmt.Sprintf(": did you mean %s%s?", prefix, meant)
	}
	return ": write " + prefix + " and the path of a setting in capitals, such as " +
		"FOREBAY_BUFFER_MAX_BYTES for buffer.max_bytes"
}

// variables returns the variables of all settings of v, without the prefix. For maps and lists
// these are the existing keys and items, and the new keys that name may contain.
func variables(v reflect.Value, name string) []string {
	var all []string
	add := func(part string, v reflect.Value) {
		part = inVariable(part)
		rest, _ := strings.CutPrefix(name, part+"_")
		for _, below := range variables(v, rest) {
			all = append(all, strings.TrimSuffix(part+"_"+below, "_"))
		}
	}
	switch t := v.Type(); {
	case isScalar(t):
		return []string{""}
	case t.Kind() == reflect.Struct:
		for _, f := range fieldsOf(t) {
			add(f.name, v.FieldByIndex(f.index))
		}
	case t.Kind() == reflect.Map:
		all = append(all, "")
		for _, key := range keysOf(v) {
			add(key, v.MapIndex(reflect.ValueOf(key).Convert(t.Key())))
		}
		for _, key := range newKeys(name) {
			if !isScalar(t.Elem()) {
				add(key, reflect.Zero(t.Elem()))
			}
		}
	case t.Kind() == reflect.Slice:
		all = append(all, "")
		for i := range v.Len() {
			add(strconv.Itoa(i), v.Index(i))
		}
	case v.IsNil():
		return variables(reflect.Zero(t.Elem()), name)
	default:
		return variables(v.Elem(), name)
	}
	return all
}
