package producer_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A report's Record is nil where the record was given up for its memory, which happens on the worst
// day only. What people copy from must look at that, so it asks Returned.
func TestExamples_DoNotReadARecordThatMayBeNil(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	require.Contains(t, string(text), ".Returned()")
	require.NotRegexp(t, regexp.MustCompile(`\br\.Record\b`), string(text))
	checked := 0
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "example_test.go") &&
			!strings.HasPrefix(path, "../examples/") ||
			!strings.HasSuffix(path, ".go") {
			return err
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		checked++
		ast.Inspect(file, func(n ast.Node) bool {
			if outer, ok := n.(*ast.SelectorExpr); ok {
				inner, ok := outer.X.(*ast.SelectorExpr)
				require.False(t, ok && inner.Sel.Name == "Record",
					"%s reads %v of a report's Record: use Returned", path, outer.Sel)
			}
			return true
		})
		return nil
	}))
	require.Greater(t, checked, 10)
}
