package producer_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/docs"
)

// What a stranger tries first has to work as it stands.
func TestReadme_TheProgramCompiles(t *testing.T) {
	snippets, err := docs.Snippets("../README.md", "go")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(snippets[0]), 0o600))
	out, err := exec.Command("go", "vet", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestReadme_IsShort(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	require.LessOrEqual(t, len(lines), 121, "the last one is empty")
	for _, line := range lines {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 100, line)
	}
}

// Each figure of the table is one of bench/RESULTS.md, and the chart shows the same.
func TestReadme_FiguresAreThoseOfTheBench(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	results, err := os.ReadFile("../bench/RESULTS.md")
	require.NoError(t, err)
	chart, err := os.ReadFile("../docs/pictures/cpu.svg")
	require.NoError(t, err)
	clients := []string{"forebay", "franz-go", "kafka-go", "confluent", "sarama", "java"}
	for label, section := range map[string]string{
		"100 B":                          "saturation, 100B, none",
		"100 B, lz4":                     "saturation, 100B, lz4",
		"lines of real logs, lz4":        "saturation, lines, lz4",
		"1 KiB, each value encoded anew": "saturation, 1KiB, none, each made anew",
		"1 KiB, zstd":                    "saturation, 1KiB, zstd",
	} {
		_, row, found := strings.Cut(string(text), "\n| "+label+" | ")
		require.True(t, found, label)
		row, _, _ = strings.Cut(row, " |\n")
		_, measured, found := strings.Cut(string(results), "### "+section+"\n")
		require.True(t, found, section)
		measured, _, _ = strings.Cut(measured, "\n### ")
		for i, figure := range strings.Split(row, " | ") {
			require.Contains(t, measured, "\n| "+clients[i]+" | "+figure+" (", label)
			require.Contains(t, string(chart), ">"+figure+"<", label)
		}
	}
}

// A file that has moved has to move on the page too.
func TestArchitecture_NamesFilesThatExistAndIsShort(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	require.NoError(t, err)
	require.LessOrEqual(t, len(strings.Fields(string(text))), 1800)
	exists := make(map[string]bool)
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		path = filepath.ToSlash(path)
		exists[strings.TrimPrefix(path, "../")], exists[filepath.Base(path)] = true, true
		return err
	}))
	named := regexp.MustCompile(`[a-z_/]+\.go\b`).FindAllString(string(text), -1)
	require.Greater(t, len(named), 60)
	for _, file := range named {
		require.True(t, exists[file], "%s does not exist", file)
	}
}

// A report's Record is nil where the record was given up for its memory, which happens on the worst
// day only. What people copy from must look at that, so it asks Returned.
func TestExamples_DoNotReadARecordThatMayBeNil(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
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
