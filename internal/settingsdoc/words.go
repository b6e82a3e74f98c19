package main

import (
	"go/ast"
	"regexp"
	"strings"
	"unicode"
)

var verb = regexp.MustCompile(`^(is|are) `)

// words returns what the doc comment of a field says, in the names of a file: without the name of
// the field at its begin, and with the settings that it names as a file has them.
func (s structs) words(of *ast.TypeSpec, field *ast.Field) string {
	text := strings.TrimPrefix(oneLine(field.Doc.Text()), field.Names[0].Name+" ")
	text = verb.ReplaceAllString(text, "")
	for _, group := range fieldsOf(s["Config"]) {
		inner := s[typeName(group.Type)]
		if inner == nil {
			continue
		}
		for _, f := range fieldsOf(inner) {
			name := regexp.MustCompile(group.Names[0].Name + `\.` + f.Names[0].Name + `\b`)
			text = name.ReplaceAllString(text, "`"+tagOf(group)+"."+tagOf(f)+"`")
		}
	}
	for _, f := range fieldsOf(of) {
		name := regexp.MustCompile(`(^|[^.] )` + f.Names[0].Name + `\b`)
		text = name.ReplaceAllString(text, "${1}`"+tagOf(f)+"`")
	}
	return capital(text)
}

func fieldsOf(spec *ast.TypeSpec) []*ast.Field { return spec.Type.(*ast.StructType).Fields.List }

// typeName returns the name of a type that is a struct, and nothing for others.
func typeName(t ast.Expr) string {
	if name, ok := t.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

func capital(text string) string {
	runes := []rune(text)
	if len(runes) > 0 {
		runes[0] = unicode.ToUpper(runes[0])
	}
	return string(runes)
}
