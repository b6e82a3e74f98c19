package proof

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// MutantsFile is the name of the file, in the folder of [FolderVariable], that mutants are written
// to.
const MutantsFile = "mutants.json"

// Mutant is one way to break the library, and the test that caught it.
type Mutant struct {
	Name   string
	Broken string // what the mutant does, in words
	Test   string // which test failed
	By     string // how: what its output said
	Took   time.Duration
}

// WriteMutants writes what became of mutants, if a folder is named.
func WriteMutants(t testing.TB, mutants []Mutant) {
	t.Helper()
	folder := os.Getenv(FolderVariable)
	if folder == "" {
		return
	}
	text, err := json.Marshal(mutants)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, MutantsFile), text, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}
