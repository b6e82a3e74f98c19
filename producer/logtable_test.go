package producer_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/docs"
)

func TestLogs_TheTableHasEveryLineThatCanBeLogged(t *testing.T) {
	rows, err := docs.LogTable("../docs/logs.md")
	require.NoError(t, err)
	found := make(map[string]bool)
	for _, dir := range linked(t, "..") {
		calls, always := logCalls(t, dir)
		for _, c := range calls {
			row, ok := rows[c.message]
			require.True(t, ok, "docs/logs.md does not have %q, which %s logs", c.message, c.at)
			require.Equal(t, row.Level, c.level, "%s", c.at)
			require.Subset(t, row.Fields, c.fields, "%s", c.at)
			if !c.more {
				require.Subset(t, append(always, c.fields...), row.Fields, "%s", c.at)
			}
			found[c.message] = true
		}
	}
	for message := range rows {
		require.True(t, found[message], "docs/logs.md has %q, which nothing logs", message)
	}
}

const module = "github.com/forebay-go/forebay"

// linked returns the folders of the packages that may be in an application: all that are there to
// be imported, and what they import.
func linked(t *testing.T, root string) []string {
	t.Helper()
	seen := make(map[string]bool)
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		for _, file := range parsed(t, dir, parser.ImportsOnly) {
			for _, i := range file.Imports {
				if name, _ := strconv.Unquote(i.Path.Value); strings.HasPrefix(name, module+"/") {
					visit(filepath.Join(root, strings.TrimPrefix(name, module+"/")))
				}
			}
		}
	}
	unlinked := []string{"internal", "cmd", "examples", "bench", "ops", "test"}
	for i, name := range unlinked {
		unlinked[i] = filepath.Join(root, name)
	}
	require.NoError(t, filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch name := d.Name(); {
		case dir == root:
		case strings.HasPrefix(name, ".") || name == "testdata":
			return filepath.SkipDir
		case slices.Contains(unlinked, dir):
			return filepath.SkipDir
		}
		visit(dir)
		return nil
	}))
	return slices.Sorted(maps.Keys(seen))
}

var fileSet = gotoken.NewFileSet()

// parsed returns the files of a package, without its tests.
func parsed(t *testing.T, dir string, mode parser.Mode) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fileSet, name, nil, mode)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

// logCall is a call in the source that logs.
type logCall struct {
	at             gotoken.Position
	message, level string
	fields         []string
	more           bool // it has fields that only run time knows
}

var levels = []string{"Debug", "Info", "Warn", "Error", "DPanic", "Panic", "Fatal"}

// logCalls returns what a package logs, and the fields that its loggers have always.
func logCalls(t *testing.T, dir string) (calls []logCall, always []string) {
	t.Helper()
	for _, file := range parsed(t, dir, 0) {
		imported := make(map[string]bool)
		for _, i := range file.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			imported[path.Base(name)] = true
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if of, ok := method.X.(*ast.Ident); ok && imported[of.Name] {
				return true // a function of another package, as http.Error
			}
			at := fileSet.Position(call.Pos())
			switch {
			case slices.Contains(levels, method.Sel.Name):
				message, ok := literal(call.Args[0])
				require.True(t, ok, "%s: the message is not a constant", at)
				c := logCall{at: at, message: message, level: strings.ToLower(method.Sel.Name),
					more: call.Ellipsis.IsValid()}
				if !c.more {
					c.fields = fieldNames(t, call.Args[1:])
				}
				calls = append(calls, c)
			case method.Sel.Name == "With":
				always = append(always, fieldNames(t, call.Args)...)
			}
			return true
		})
	}
	return calls, always
}

// literal returns the value of a string that stands in the source, in one piece or in several.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, isLeft := literal(e.X)
		right, isRight := literal(e.Y)
		return left + right, isLeft && isRight
	}
	return "", false
}

// fieldNames returns the names of fields, each the result of a function of zap.
func fieldNames(t *testing.T, fields []ast.Expr) (names []string) {
	t.Helper()
	for _, f := range fields {
		call, ok := f.(*ast.CallExpr)
		if !ok {
			continue // not for a logger
		}
		of, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		switch name, ok := call.Args[0].(*ast.BasicLit); {
		case of.Sel.Name == "Error":
			names = append(names, "error")
		case ok:
			text, err := strconv.Unquote(name.Value)
			require.NoError(t, err)
			names = append(names, text)
		}
	}
	return names
}
