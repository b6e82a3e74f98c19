package docs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// page writes a page and returns its path.
func page(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestSnippets_AreThoseOfTheLanguage(t *testing.T) {
	path := page(t, "# A page\n\n```go\none()\n\n\ttwo()\n```\n\n```yaml\nthree: 3\n```\n"+
		"between\n```go\nfour() // ```\n```\n")
	snippets, err := Snippets(path, "go")
	require.NoError(t, err)
	require.Equal(t, []string{"one()\n\n\ttwo()\n", "four() // ```\n"}, snippets)
	snippets, err = Snippets(path, "yaml")
	require.NoError(t, err)
	require.Equal(t, []string{"three: 3\n"}, snippets)
}

func TestSnippets_APageWithoutAnyOrWithoutAnEndIsAnError(t *testing.T) {
	_, err := Snippets(page(t, "```go\none()\n```\n"), "yaml")
	require.ErrorContains(t, err, "has no snippet in yaml")
	_, err = Snippets(page(t, "```go\none()\n```\n```go\ntwo()\n"), "go")
	require.ErrorContains(t, err, "does not end")
	_, err = Snippets(filepath.Join(t.TempDir(), "none.md"), "go")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestUnindented_KeepsEverythingBehindTheIndentation(t *testing.T) {
	require.Equal(t, "if a {\nb( c ) \n\n}", Unindented("\tif a {\n\t\tb( c ) \n\n    }"))
}
