//go:build unix

package kafkatest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Maven leaves a mark in the folder where it runs, and unpacks nothing where it finds one.
func TestFetchRegistry_LeavesNothingButTheRegistry(t *testing.T) {
	bin, cache, here := t.TempDir(), t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "mvn"), []byte(`#!/bin/sh
[ -e mark ] && exit 0
: >mark
for arg; do
	case $arg in -DoutputDirectory=*) mkdir -p "${arg#*=}" && : >"${arg#*=}/app.jar" ;; esac
done
`), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Chdir(here)
	for _, name := range []string{"a", "b"} {
		app := filepath.Join(cache, name)
		require.NoError(t, fetchRegistry(t.Context(), filepath.Join(cache, "part"), app))
		require.FileExists(t, filepath.Join(app, "app.jar"))
	}
	for folder, want := range map[string]int{cache: 2, here: 0} {
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Len(t, left, want, folder)
	}
}
