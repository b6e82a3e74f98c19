package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

func TestPage_IsTheOneInDocs(t *testing.T) {
	made, err := page(root)
	require.NoError(t, err)
	is, err := os.ReadFile(root + "/docs/settings.md")
	require.NoError(t, err)
	require.Equal(t, made, string(is), "run make docs")
}

// Each setting says what it is worth if nobody sets it, and what a number counts.
func TestSettings_EachSaysItsDefault(t *testing.T) {
	rejects := regexp.MustCompile(`(New|NewTable) (also )?rejects`)
	all, err := read(root)
	require.NoError(t, err)
	require.Greater(t, len(all), 40)
	for _, s := range all {
		c := columnsOf(s.text)
		require.NotEmpty(t, c.meaning, s.name)
		require.NotEmpty(t, c.byDefault, "%s: begin a sentence with Zero means, Empty means, "+
			"Required, or False is the default", s.name)
		require.NotEqual(t, "number", s.kind, "%s: name in counts what it counts", s.name)
		if s.kind == "bytes" || s.kind == "duration" || s.kind == "fraction" ||
			strings.HasPrefix(s.kind, "number") {
			require.Regexp(t, rejects, s.text, s.name)
		}
		if s.kind == "bytes" {
			require.Contains(t, s.text, "in bytes", s.name)
		}
	}
}

func TestColumnsOf_DealsOutTheSentences(t *testing.T) {
	require.Equal(t, columns{byDefault: "64 MiB", meaning: "Bounds memory, in bytes. All share it.",
		edges: "Rejected: less than 1 MiB. Rejected without a name."},
		columnsOf("Bounds memory, in bytes. Zero means 64 MiB. All share it. "+
			"New rejects less than 1 MiB. It rejects it without a name."))
	require.Equal(t, "required", columnsOf("The name. Required. More.").byDefault)
	require.Equal(t, "zones do not matter",
		columnsOf("Empty means that zones do not matter.").byDefault)
}
