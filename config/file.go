package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/forebay-go/forebay/producer"
)

// maxFileBytes is the size above which a file cannot be a settings file.
const maxFileBytes = 1 << 20

// slurp returns the content of a file, up to one byte more than maxFileBytes.
func slurp(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// readFile reads the text of a file into cfg.
func (r *reader) readFile(cfg *producer.Config, text []byte) {
	if len(text) > maxFileBytes {
		r.mistakes = append(r.mistakes, Mistake{Origin: Origin{File: r.origins.file},
			Text: fmt.Sprintf("larger than %s, so it is not a settings file: name another file",
				formatSize(maxFileBytes))})
		return
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return // only comments
	} else if err != nil {
		r.mistakes = append(r.mistakes, syntax(err, r.origins.file))
		return
	}
	var second yaml.Node
	if err := d.Decode(&second); err == nil {
		r.fail(&second, "", "a second YAML document begins here: keep only one")
	} else if !errors.Is(err, io.EOF) {
		r.mistakes = append(r.mistakes, syntax(err, r.origins.file))
	}
	root := doc.Content[0]
	if root.Kind == yaml.AliasNode {
		root = root.Alias
	}
	switch {
	case root.Kind == yaml.MappingNode:
		r.readStruct(place{v: reflect.ValueOf(cfg).Elem()}, root)
	case root.Tag != "!!null":
		r.fail(root, "", "this is a %s: write settings, such as \"clusters:\"", kindOf(root))
	}
}

// syntax returns an error of the YAML library as a mistake with its place.
func syntax(err error, file string) Mistake {
	m := Mistake{Origin: Origin{File: file}, Text: "not YAML: " + err.Error(), Err: err}
	if le, ok := errors.AsType[*yaml.LoadError](err); ok {
		m.Origin.Line, m.Origin.Column = le.Mark.Line, le.Mark.Column
		m.Text = "not YAML: " + le.Message
	}
	for _, known := range []struct{ part, hint string }{
		{"cannot start any token",
			": indent with spaces, not tabs, and put quotes around values that begin with %, " +
				"@ or `"},
		{"mapping values are not",
			": check the indentation of this line and the line before, and put quotes around " +
				"values that contain \": \""},
		{"did not find expected ',' or", ": close the bracket that is open before this"},
		{"could not find expected ':'",
			": check that a space follows each - and : of this line and the lines before"},
		{"did not find expected key",
			": check the indentation of this line and the lines before"},
	} {
		if strings.Contains(m.Text, known.part) {
			m.Text += known.hint
		}
	}
	return m
}
