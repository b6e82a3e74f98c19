package mutants

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A mutant that does not fit any more would be noticed when the mutants are run, which takes long.
func TestMutants_EachFitsTheCode(t *testing.T) {
	for _, m := range table {
		text, err := os.ReadFile(filepath.Join(root, m.file))
		if assert.NoError(t, err, m.name) {
			assert.Equal(t, 1, strings.Count(string(text), m.old), "%s: %s: %q", m.name, m.file,
				m.old)
		}
	}
}

// And so would one whose test has another name now.
func TestMutants_EachHasItsTest(t *testing.T) {
	found := make(map[check]bool)
	for _, m := range table {
		if !found[check{pkg: m.by.pkg}] {
			found[check{pkg: m.by.pkg}] = true
			testsOf(t, m.by.pkg, found)
		}
		test, _, _ := strings.Cut(m.by.test, "/")
		assert.True(t, found[check{m.by.pkg, test}], "%s: there is no %s in %s", m.name, test,
			m.by.pkg)
	}
}

var testPattern = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// testsOf adds the tests of a package to found.
func testsOf(t *testing.T, pkg string, found map[check]bool) {
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range testPattern.FindAllStringSubmatch(string(text), -1) {
			found[check{pkg, m[1]}] = true
		}
	}
}
