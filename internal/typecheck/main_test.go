package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// sources writes files into a module of their own, and makes it the working folder.
func sources(t *testing.T, files map[string]string) {
	dir := t.TempDir()
	files["go.mod"] = "module example.com/m\n\ngo 1.26.0\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	t.Setenv("GOWORK", "off")
	t.Chdir(dir)
}

func TestCheck_FindsWhatOnePlatformLacksAndNumbersThatAreTooLarge(t *testing.T) {
	sources(t, map[string]string{
		"a/a.go":         "package a\n\nimport \"time\"\n\nvar Now = time.Now\n",
		"a/a_linux.go":   "package a\n\nfunc only() {}\n",
		"a/b.go":         "//go:build tagged\n\npackage a\n\nfunc f() { only() }\n",
		"a/a_test.go":    "package a_test\n\nimport \"example.com/m/a\"\n\nvar large int = 1 << 40\n\nvar _ = a.Now\n",
		"b/b.go":         "package b\n\nimport \"example.com/m/a\"\n\nvar _ = a.Now\n",
		"b/b_windows.go": "package b\n\nfunc init() { unknown() }\n",
		"c/c_windows.go": "package c\n\nimport \"example.com/m/b\"\n\nvar _ = b.Missing\n",
		"c/c.go":         "package c\n",
	})
	all := []string{"./..."}
	require.NoError(t, checkAll("", []string{"linux/amd64", "darwin/arm64"}, all))
	require.NoError(t, checkAll("tagged", []string{"linux/amd64"}, all))
	err := checkAll("", []string{"linux/386", "windows/amd64"}, all)
	require.ErrorContains(t, err, "linux/386: example.com/m/a_test [example.com/m/a.test]: ")
	require.ErrorContains(t, err, "(overflows)")
	require.ErrorContains(t, err, "windows/amd64: example.com/m/b: ")
	require.ErrorContains(t, err, "undefined: unknown")
	require.ErrorContains(t, err, "undefined: b.Missing", "the mistakes of all packages")
	err = checkAll("tagged", []string{"darwin/arm64"}, all)
	require.ErrorContains(t, err, "undefined: only")
}

func TestCheck_SaysWhatCannotBeChecked(t *testing.T) {
	sources(t, map[string]string{"a.go": "package m\n"})
	require.EqualError(t, checkAll("", []string{"linux"}, []string{"."}),
		`"linux": write a platform such as linux/386`)
	require.EqualError(t, checkAll("", []string{"linux/none"}, []string{"."}),
		"linux/none: there is no such processor")
	require.ErrorContains(t, checkAll("", []string{"linux/386"}, []string{"./none"}), "go list: ")
}
