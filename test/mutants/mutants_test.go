//go:build mutants

package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/test/proof"
)

// A check takes a second or two, but this machine may have other things to do. One that hangs with
// its mutant, as it must, is not waited for that long.
const (
	patience = 2 * time.Minute
	hanging  = 10 * time.Second
)

var rounds = flag.Int("rounds", 1, "how often each mutant must be caught")

func TestMutants_EachIsCaught(t *testing.T) {
	healthy := newHealthy(t.TempDir())
	var mu sync.Mutex // guards what follows
	caught := make([]proof.Mutant, len(table))
	t.Run("group", func(t *testing.T) { // it ends when all that run in parallel have
		for i, m := range table {
			t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				healthy.require(t, m.by)
				said, took := m.require(t)
				mu.Lock()
				defer mu.Unlock()
				caught[i] = proof.Mutant{Name: m.name, Broken: m.broken, Test: m.by.test, By: said,
					Took: took}
			})
		}
	})
	// -run named others
	caught = slices.DeleteFunc(caught, func(m proof.Mutant) bool { return m.Name == "" })
	t.Log("\n" + overview(caught))
	if !t.Failed() {
		proof.WriteMutants(t, caught)
	}
}

// overview is what a reader of the output wants to see.
func overview(mutants []proof.Mutant) string {
	var text strings.Builder
	for _, m := range mutants {
		fmt.Fprintf(&text, "%-52s %6.2f s  %s\n", m.Name, m.Took.Seconds(), m.Test)
	}
	fmt.Fprintf(&text, "%d mutants caught", len(mutants))
	return text.String()
}

// require breaks the library, and fails t unless the check notices, each time. It returns what that
// said, and how long it took, without compiling.
func (m *mutant) require(t *testing.T) (said string, took time.Duration) {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, "mutant.test")
	// what does not compile shows nothing
	compile(t, m.by.pkg, binary, "-overlay="+m.overlay(t, folder))
	for range *rounds {
		said, took = m.requireOnce(t, binary, folder)
	}
	return said, took
}

func (m *mutant) requireOnce(t *testing.T, binary, folder string) (said string,
	took time.Duration) {
	t.Helper()
	limit := patience
	if m.hangs {
		limit = hanging
	}
	out, took, err := m.by.run(binary, folder, limit)
	require.Error(t, err, "nobody noticed: %s\n%s", m.broken, out)
	require.NotContains(t, out, "panic: runtime error", "a crash is no assertion")
	require.True(t, regexp.MustCompile(m.by.failed()).MatchString(out), "another test failed:\n%s",
		out)
	said = regexp.MustCompile(m.says).FindString(out)
	require.NotEmpty(t, said, "it does not say %q:\n%s", m.says, out)
	return said, took
}

// overlay writes the changed file, and the file that go is told of it by.
func (m *mutant) overlay(t *testing.T, folder string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, m.file))
	require.NoError(t, err)
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), m.old), "in %s, of %q", m.file, m.old)
	changed := filepath.Join(folder, filepath.Base(m.file))
	require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new,
		1)), 0o644))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	require.NoError(t, err)
	name := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(name, overlay, 0o644))
	return name
}

// compile makes the binary of a package's tests.
func compile(t *testing.T, pkg, binary string, flags ...string) {
	t.Helper()
	args := append([]string{"test", "-c", "-tags", "synctests", "-ldflags=-s -w", "-o", binary},
		flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./"+pkg)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// workplace makes a folder in folder from which docs is as near as from the package of a test: one
// step up, or two.
func workplace(folder string) (string, error) {
	docs, err := filepath.Abs(filepath.Join(root, "docs"))
	if err != nil {
		return "", err
	}
	at := filepath.Join(folder, "at", "at")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return "", err
	}
	for _, dir := range []string{folder, filepath.Dir(at)} {
		err := os.Symlink(docs, filepath.Join(dir, "docs"))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return "", err
		}
	}
	return at, nil
}

// run runs the check in a binary, and in a folder, where tests may leave what they failed by. It
// fails as the tests do.
func (c check) run(binary, folder string, limit time.Duration) (output string, took time.Duration,
	err error) {
	// the binary gives up by itself before that
	ctx, cancel := context.WithTimeout(context.Background(), 2*limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.v", "-test.run", c.pattern(), "-test.timeout",
		limit.String())
	if cmd.Dir, err = workplace(folder); err != nil {
		return "", 0, err
	}
	cmd.Env = append(os.Environ(), proof.FolderVariable+"=") // what a mutant does proves nothing
	cmd.WaitDelay = time.Second
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	return string(out), time.Since(begin), err
}

// pattern names the check alone, and no other whose name begins like it.
func (c check) pattern() string {
	parts := strings.Split(c.test, "/")
	for i := range parts {
		parts[i] = "^" + regexp.QuoteMeta(parts[i]) + "$"
	}
	return strings.Join(parts, "/")
}

// failed matches what the check leaves in the output when it fails, or when it does not end.
func (c check) failed() string {
	name := regexp.QuoteMeta(c.test)
	return `(?s)--- FAIL: ` + name + `|panic: test timed out after .*running tests:\s*` + name
}

// healthy runs checks without a mutant, once each.
type healthy struct {
	folder string

	mu       sync.Mutex // guards what follows
	binaries map[string]func(t *testing.T) string
	results  map[check]func(t *testing.T) error
}

func newHealthy(folder string) *healthy {
	return &healthy{folder: folder, binaries: make(map[string]func(*testing.T) string),
		results: make(map[check]func(*testing.T) error)}
}

// require fails t unless the check passes.
func (h *healthy) require(t *testing.T, c check) {
	t.Helper()
	require.NoError(t, h.result(c)(t))
}

// result returns what runs the check the first time that it is called, and remembers what became of
// it.
func (h *healthy) result(c check) func(t *testing.T) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.results[c] == nil {
		binary := h.binaryLocked(c.pkg)
		h.results[c] = once(func(t *testing.T) error {
			out, _, err := c.run(binary(t), h.folder, patience)
			if err == nil && !strings.Contains(out, "--- PASS: "+c.test) {
				err = errors.New("there is no such test")
			}
			if err != nil {
				return fmt.Errorf("%s, without a mutant: %w\n%s", c.test, err, out)
			}
			return nil
		})
	}
	return h.results[c]
}

func (h *healthy) binaryLocked(pkg string) func(t *testing.T) string {
	if h.binaries[pkg] == nil {
		name := filepath.Join(h.folder, strings.ReplaceAll(pkg, "/", "-")+".test")
		h.binaries[pkg] = once(func(t *testing.T) string {
			compile(t, pkg, name)
			return name
		})
	}
	return h.binaries[pkg]
}

// once returns fn's result of its first call, always.
func once[V any](fn func(t *testing.T) V) func(t *testing.T) V {
	var do sync.Once
	var v V
	return func(t *testing.T) V {
		t.Helper()
		do.Do(func() { v = fn(t) })
		return v
	}
}
