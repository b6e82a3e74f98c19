//go:build unix

package kafkatest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNeedKit_SkipsOnlyWhenTold(t *testing.T) {
	t.Setenv(SkipVariable, "1")
	var skipped bool
	t.Run("skipped", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		needKit(t)
	})
	require.True(t, skipped)
}

func TestMakeKit_SaysWhatToInstall(t *testing.T) {
	t.Run("java on PATH", func(t *testing.T) {
		t.Setenv("JAVA_HOME", "")
		t.Setenv("PATH", t.TempDir())
		_, err := makeKit()
		require.ErrorContains(t, err, "java is missing")
		require.ErrorContains(t, err, "install a JDK")
	})
	t.Run("java in JAVA_HOME", func(t *testing.T) {
		t.Setenv("JAVA_HOME", t.TempDir())
		_, err := makeKit()
		require.ErrorContains(t, err, "JAVA_HOME is set")
		require.ErrorContains(t, err, "install a JDK")
	})
	t.Run("mvn", func(t *testing.T) {
		home := t.TempDir()
		java := filepath.Join(home, "bin", "java")
		require.NoError(t, os.Mkdir(filepath.Dir(java), 0o755))
		require.NoError(t, os.WriteFile(java, nil, 0o755))
		t.Setenv("JAVA_HOME", home)
		t.Setenv("PATH", t.TempDir())
		t.Setenv(CacheVariable, t.TempDir())
		_, err := makeKit()
		require.ErrorContains(t, err, "mvn is missing")
		require.ErrorContains(t, err, "install Maven")
	})
}

func TestMakeKit_ClearsWhatAKilledProcessLeft(t *testing.T) {
	cache := t.TempDir()
	half := filepath.Join(cache, "part", "libs")
	require.NoError(t, os.MkdirAll(half, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(half, "half.jar"), nil, 0o600))
	// Maven fails, after the cache was cleared.
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "mvn"), []byte("#!/bin/sh\nexit 3\n"),
		0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "java"), nil, 0o755))
	t.Setenv("JAVA_HOME", "")
	t.Setenv("PATH", bin)
	t.Setenv(CacheVariable, cache)
	_, err := makeKit()
	require.ErrorContains(t, err, "exit status 3")
	require.NoDirExists(t, filepath.Join(cache, "part"))
	require.NoDirExists(t, filepath.Join(cache, "libs"))
}
