package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

// setting is one field of producer.Config, or of a struct in it.
type setting struct {
	group string // the settings that it is listed with, as in "clusters.<name>.tls"
	intro string // what the group is, of its first setting
	name  string // in full
	kind  string // its type in words
	text  string // its doc comment in a line
}

// structs are the declarations of structs by name, and their doc comments.
type structs map[string]*ast.TypeSpec

// read returns all settings in the order of the structs.
func read(root string) ([]setting, error) {
	found := make(structs)
	for _, file := range []string{"producer/config.go", "producer/topics.go",
		"producer/security.go", "routing/fallback.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil,
			parser.ParseComments)
		if err != nil {
			return nil, err
		}
		found.add(parsed)
	}
	return found.settings("Config", "", "")
}

func (s structs) add(file *ast.File) {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			spec := spec.(*ast.TypeSpec)
			spec.Doc = gen.Doc
			if _, ok := spec.Type.(*ast.StructType); ok {
				s[spec.Name.Name] = spec
			}
		}
	}
}

// settings returns those of a struct, and then those of the structs in it.
func (s structs) settings(name, group, intro string) (all []setting, err error) {
	var inner []setting
	spec := s[name]
	if spec == nil {
		return nil, fmt.Errorf("there is no struct %s", name)
	}
	for _, field := range spec.Type.(*ast.StructType).Fields.List {
		path := join(group, tagOf(field))
		kind, of := kindOf(field.Type)
		if of == "" || s[of] == nil {
			all = append(all, setting{group: group, name: path, kind: unit(path, kind),
				text: s.words(spec, field)})
			continue
		}
		switch kind {
		case "map":
			path += ".<name>"
		case "list":
			path += "[]"
		}
		of, path = only(of, path)
		more, err := s.settings(of, path, s.words(spec, field)+introOf(s[of]))
		if err != nil {
			return nil, err
		}
		inner = append(inner, more...)
	}
	if len(all) > 0 {
		all[0].intro = intro
	}
	return append(all, inner...), nil
}

// only has the three priorities described once.
func only(of, path string) (string, string) {
	if of == "PrioritiesConfig" {
		return "PriorityConfig", path + ".<low, medium, high>"
	}
	return of, path
}

func join(group, name string) string {
	if group == "" {
		return name
	}
	return group + "." + name
}

func tagOf(field *ast.Field) string {
	return reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("yaml")
}

// kindOf returns a type in words, and the struct that it is, or is made of.
func kindOf(t ast.Expr) (kind, of string) {
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name, t.Name
	case *ast.SelectorExpr:
		return t.Sel.Name, t.Sel.Name
	case *ast.ArrayType:
		_, of := kindOf(t.Elt)
		return "list", of
	case *ast.MapType:
		_, of := kindOf(t.Value)
		return "map", of
	}
	return "", ""
}

// counts says what numbers count whose names do not end in a unit.
var counts = map[string]string{".max_topics": "topics", ".partitions": "partitions",
	".replication_factor": "brokers", ".max_brokers": "brokers"}

// unit returns what a value is, for people.
func unit(path, kind string) string {
	switch {
	case strings.HasSuffix(path, "_bytes"):
		return "bytes"
	case kind == "Duration":
		return "duration"
	case kind == "float64":
		return "fraction"
	case strings.HasSuffix(path, ".compression_level"):
		return "level"
	case kind == "int" || kind == "int32" || kind == "int16":
		for end, what := range counts {
			if strings.HasSuffix(path, end) {
				return "number of " + what
			}
		}
		return "number"
	case kind == "bool":
		return "true or false"
	case kind == "Priority":
		return "low, medium, high"
	case kind == "Secret":
		return "secret text"
	case kind == "list":
		return "list of texts"
	case kind == "map":
		return "texts by name"
	}
	return "text"
}

// introOf returns the doc comment of a struct from its second sentence on, where it is about
// settings: the first sentence says what the heading says.
func introOf(spec *ast.TypeSpec) string {
	_, rest, _ := strings.Cut(oneLine(spec.Doc.Text()), ". ")
	if rest == "" || strings.Contains(rest, "concurrent use") {
		return ""
	}
	return " " + rest
}

// oneLine returns a comment as the cell of a table.
func oneLine(doc string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(doc), " "), "|", `\|`)
}
