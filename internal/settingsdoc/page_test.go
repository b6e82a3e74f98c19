package main

import (
	"os"
	"regexp"
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
	said := regexp.MustCompile(`Zero means|Empty means|[Rr]equired|False is the default|False, the default|Empty for|No bound`)
	rejects := regexp.MustCompile(`(New|NewTable) (also )?rejects|0 to 0.5`)
	all, err := read(root)
	require.NoError(t, err)
	require.Greater(t, len(all), 40)
	for _, s := range all {
		require.Regexp(t, said, s.text, s.name)
		if s.kind == "bytes" || s.kind == "duration" || s.kind == "fraction" || s.kind == "number" {
			require.Regexp(t, rejects, s.text, s.name)
		}
		if s.kind == "bytes" {
			require.Contains(t, s.text, "in bytes", s.name)
		}
	}
}
