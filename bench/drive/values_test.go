package drive

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValues_AreTheSameEachTimeAndOfTheirSize(t *testing.T) {
	for kind, size := range map[string]int{"100B": 100, "1KiB": 1024, "lines": 0} {
		a, err := Values(kind, "")
		require.NoError(t, err)
		b, err := Values(kind, "")
		require.NoError(t, err)
		require.Equal(t, a, b)
		require.NotEqual(t, a[0], a[1])
		for _, v := range a {
			if size > 0 {
				require.Len(t, v, size)
			}
			require.Greater(t, len(v), 8, "there is room for a number")
		}
	}
	_, err := Values("2KiB", "")
	require.Error(t, err)
}

func TestValues_AreTheLinesOfRealLogs(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"b.log": "the last line has no end",
		"a.log": "first of all\r\n\nshort\nthen another\n", "c.txt": "not a log at all\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	values, err := Values("lines", folder)
	require.NoError(t, err)
	require.Equal(t, []string{"first of all", "then another", "the last line has no end"},
		texts(values))
	_, err = Values("lines", t.TempDir())
	require.ErrorContains(t, err, "there are no lines")
	made, err := Values("100B", folder)
	require.NoError(t, err)
	require.Len(t, made[0], 100, "others are made, whatever there is")
}

func texts(values [][]byte) (all []string) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}
