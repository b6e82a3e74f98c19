package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFileBytes is the size above which a file cannot describe a fleet.
const maxFileBytes = 1 << 20

// Mistake is one thing that is wrong with a fleet file.
type Mistake struct {
	File         string
	Line, Column int    // 0 if something is missing
	Field        string // as in "topics[0].record_bytes"; "" for the whole file
	Text         string // what is wrong, and what to write instead
}

// Error returns the mistake in one line.
func (m Mistake) Error() string {
	at := m.File
	if m.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Column)
	}
	if m.Field == "" {
		return at + ": " + m.Text
	}
	return at + ": " + m.Field + ": " + m.Text
}

// Error is everything that is wrong with a fleet file, in the order of the file.
type Error struct{ Mistakes []Mistake }

// Error returns a line for each mistake.
func (e *Error) Error() string {
	lines := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		lines[i] = m.Error()
	}
	return strings.Join(lines, "\n")
}

// Read reads the fleet in the file at path. The error is an *Error if the file can be read but
// something in it is wrong.
func Read(path string) (*Fleet, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse reads the fleet in text. name stands for the file in mistakes. The error is an *Error.
func Parse(name string, text []byte) (*Fleet, error) {
	r := &reader{file: name, places: make(map[string]*yaml.Node), wrong: make(map[string]bool)}
	f := defaults()
	if root := r.document(text); root != nil {
		r.readStruct(reflect.ValueOf(f).Elem(), "", root)
	}
	if !r.wrong[""] { // else nothing is there to check
		r.check(f)
	}
	if len(r.mistakes) > 0 {
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int {
			return a.rank() - b.rank()
		})
		return nil, &Error{r.mistakes}
	}
	f.complete()
	return f, nil
}

// rank orders mistakes by line; what is missing comes last.
func (m Mistake) rank() int {
	if m.Line == 0 {
		return maxFileBytes + 1
	}
	return m.Line
}

// document returns the root of the one document in text, nil if there is none to read.
func (r *reader) document(text []byte) *yaml.Node {
	if len(text) > maxFileBytes {
		r.fail(nil, "", "larger than 1 MiB, so it does not describe a fleet: name another file")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil // only comments
	} else if err != nil {
		r.failSyntax(text, err)
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		r.fail(&second, "", "a second YAML document begins here: keep only one")
	} else if !errors.Is(err, io.EOF) {
		r.failSyntax(text, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

func (r *reader) failSyntax(text []byte, err error) {
	if le, ok := errors.AsType[*yaml.LoadError](err); ok {
		lines := bytes.Split(text, []byte("\n"))
		tab := ""
		at := le.Mark.Line - 1
		if at >= 0 && at < len(lines) && bytes.ContainsRune(lines[at], '\t') {
			tab = ": indent with spaces, not with tabs"
		}
		r.fail(&yaml.Node{Line: le.Mark.Line, Column: le.Mark.Column}, "", "not YAML: %s%s",
			le.Message, tab)
		return
	}
	r.fail(nil, "", "not YAML: %v", err)
}
