package config

import (
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write the golden files anew")

// mistaken returns the text of each file in testdata/mistakes, by its path.
func mistaken(t testing.TB) map[string]string {
	paths, err := filepath.Glob("testdata/mistakes/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	texts := make(map[string]string)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		texts[path] = string(text)
	}
	return texts
}

// environIn returns the variables in the lines of text that begin with "#env ".
func environIn(text string) []string {
	var environ []string
	for line := range strings.Lines(text) {
		if variable, ok := strings.CutPrefix(line, "#env "); ok {
			environ = append(environ, strings.TrimSpace(variable))
		}
	}
	return environ
}

func TestMistakes_ReadAsInTheGoldenFiles(t *testing.T) {
	for path, text := range mistaken(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, _, err := Parse(filepath.Base(path), []byte(text), WithEnviron(environIn(text)...))
			require.Error(t, err)
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(err.Error()+"\n"), 0o600))
			}
			want, readErr := os.ReadFile(golden)
			require.NoError(t, readErr)
			require.Equal(t, string(want), err.Error()+"\n")
		})
	}
}

// inOtherTests are texts that other tests check.
var inOtherTests = []string{
	// TestMistakes_OfSize, TestLoad_ReadsAFileFromDisk
	"more mistakes follow: only the first ", " are listed", "more than ", "aliases included",
	"cannot be read: ", "larger than ", "so it is not a settings file",
	// TestMistakes_OfOtherStructs
	"cannot be written in a file", "write a number such as 0.25",
	"invalid value, not shown because it is secret",
}

// A text in no golden file is a text that nobody has read.
func TestMistakes_EveryTextIsInAGoldenFile(t *testing.T) {
	paths, err := filepath.Glob("testdata/mistakes/*.txt")
	require.NoError(t, err)
	seen := strings.Join(inOtherTests, "\n")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		seen += string(text)
	}
	seen = strings.ReplaceAll(seen, `\"`, `"`)
	verb := regexp.MustCompile(`%[a-z]`)
	checked := 0
	for _, file := range []string{"reader.go", "file.go", "environment.go", "scalar.go",
		"load.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				for _, part := range verb.Split(text, -1) {
					part = strings.ReplaceAll(part, "%%", "%")
					if len(part) < 8 || !strings.Contains(strings.TrimSpace(part), " ") ||
						oneOf(part, inOtherTests) {
						continue
					}
					checked++
					require.True(t, strings.Contains(seen, part), "%s: %q", file, part)
				}
			}
			return true
		})
	}
	require.Greater(t, checked, 20)
}

func oneOf(part string, texts []string) bool {
	for _, text := range texts {
		if strings.Contains(part, text) {
			return true
		}
	}
	return false
}

func TestMistakes_OfSize(t *testing.T) {
	_, _, err := Parse("f.yaml", []byte(strings.Repeat("#", maxFileBytes+1)), WithEnviron())
	require.EqualError(t, err,
		"forebay: wrong configuration:\nf.yaml: larger than 1MiB, so it is not a settings file: "+
			"name another file")
	_, _, err = Parse("f.yaml", []byte(bomb()), WithEnviron())
	require.ErrorContains(t, err, ": more than 100000 values, aliases included: use fewer aliases")
	_, _, err = Parse("f.yaml", []byte("buffer:\n"+strings.Repeat("  x: 1\n", 1000)), WithEnviron())
	wrong, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	require.Len(t, wrong.Mistakes, maxMistakes+2)
	require.Equal(t, "f.yaml:203:3: buffer.x: more mistakes follow: only the first 200 are listed",
		wrong.Mistakes[maxMistakes].Error())
}

// These kinds of settings do not exist yet, but may be added.
func TestMistakes_OfOtherStructs(t *testing.T) {
	type inner struct {
		Password string `yaml:"password" secret:"true"`
		Port     int    `yaml:"port" secret:"true"`
	}
	type other struct {
		Share  float64        `yaml:"share"`
		Number complex128     `yaml:"number"`
		Inner  *inner         `yaml:"inner"`
		Hidden map[string]int `yaml:"hidden" secret:"true"`
	}
	var into other
	var n yaml.Node
	require.NoError(t,
		yaml.Unmarshal([]byte("{share: lots, number: 1, inner: {password: [hunter2], port: "+
			"hunter2}, hidden: hunter2}"), &n))
	r := &reader{origins: &Origins{file: "f", of: make(map[string]Origin)}}
	r.read(place{v: reflect.ValueOf(&into).Elem()}, &n, n.Content[0])
	require.EqualError(t, newError(r.mistakes), `forebay: wrong configuration:
f:1:9: share: "lots": write a number such as 0.25, or 25%
f:1:23: number: a complex128 cannot be written in a file
f:1:44: inner.password: this is a list: write one value
f:1:61: inner.port: invalid value, not shown because it is secret
f:1:79: hidden: (secret): write lines such as "name: value", indented below it`)
	into.Inner.Password = "hunter2"
	require.Equal(t, "(secret)", display(leavesOf(reflect.ValueOf(into))[2]))
}
