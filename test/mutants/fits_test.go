package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
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
