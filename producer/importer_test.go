package producer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sums is how many lines of go.sum an application may inherit.
const sums = 30

// inherited are the modules that an application may come to require with package producer. What is
// added here is added to every service that uses Forebay.
var inherited = []string{
	module,
	"github.com/cenkalti/backoff/v4",
	"github.com/klauspost/compress",
	"github.com/pierrec/lz4/v4",
	"github.com/twmb/franz-go",
	"github.com/twmb/franz-go/pkg/kadm",
	"github.com/twmb/franz-go/pkg/kmsg",
	"go.uber.org/multierr", // zap's
	"go.uber.org/zap",
}

func TestImporter_InheritsFewModules(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	for _, name := range []string{"go.mod", "go.sum"} { // go test is to look whether they changed
		_, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
	}
	folder := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	write("go.mod", fmt.Sprintf("module example.com/importer\n\ngo 1.26.0\n\n"+
		"require %[1]s v0.1.0\n\nreplace %[1]s => %[2]q\n", module, root))
	write("main.go", fmt.Sprintf("package main\n\nimport _ %q\n\nfunc main() {}\n",
		module+"/producer"))

	goIn(t, folder, "mod", "tidy")
	goIn(t, folder, "build", "-o", os.DevNull, ".")

	var mod struct {
		Require []struct{ Path, Version string }
	}
	require.NoError(t, json.Unmarshal(goIn(t, folder, "mod", "edit", "-json"), &mod))
	require.NotEmpty(t, mod.Require)
	for _, r := range mod.Require {
		require.Contains(t, inherited, r.Path, "an application inherits another module")
	}
	text, err := os.ReadFile(filepath.Join(folder, "go.sum"))
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(string(text), "\n"), sums, "\n%s", text)
}

// goIn runs go in folder, without network: what an importer needs, this package and its tests need.
func goIn(t *testing.T, folder string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), out)
	return out
}
