// Package proof collects what the tests of faults saw, so that docs/reliability.md says what was
// measured and nothing else.
//
//	c := proof.Of(t, "F8")
//	... inject the fault ...
//	c.Bit("connections cut after the write", link.Cuts())
//	c.Held("I7", records) // checked for so many, and never broken
//
// A test that passes leaves one line in the folder that [FolderVariable] names; without it nothing
// is written.
package proof

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// FolderVariable names the environment variable with the folder that cases are written to. It does
// not begin with FOREBAY_, as the settings do: an unknown one is an error.
const FolderVariable = "RELIABILITY_FOLDER"

// Case is what one test saw of its faults. It belongs to the goroutine of the test, or to those of
// its parts, one after the other.
type Case struct {
	t testing.TB

	Package string // from the root of the repository
	Test    string
	Faults  []string          // by the ids of docs/reliability.md, such as "F8"
	Bits    []Bit             // how the fault is known to have happened
	Checks  map[string]uint64 // how often each invariant was checked, by its id, such as "I7"
	Figures []Figure          // what was measured beside
}

// Bit says how often something happened that shows that the fault was there.
type Bit struct {
	What  string
	Times int64
}

// Figure is something measured.
type Figure struct{ Name, Value string }

// Of begins a case of the faults that a test injects. At its end the test fails if it has no Bit.
// If it has passed, the case is written.
func Of(t testing.TB, faults ...string) *Case {
	c := &Case{t: t, Package: packageUnderTest(), Test: t.Name(), Faults: faults,
		Checks: make(map[string]uint64)}
	t.Cleanup(c.write)
	return c
}

// Bit notes that something happened so many times more which shows that the fault bit. None fails
// the test.
func (c *Case) Bit(what string, times int64) {
	c.t.Helper()
	if times <= 0 {
		c.t.Fatalf("the fault did not bite: %d %s", times, what)
	}
	for i := range c.Bits {
		if c.Bits[i].What == what {
			c.Bits[i].Times += times
			return
		}
	}
	c.Bits = append(c.Bits, Bit{what, times})
}

// Held notes that an invariant was checked so many times more and found to hold. The check itself
// is the caller's. None fails the test.
func (c *Case) Held(invariant string, checks uint64) {
	c.t.Helper()
	if checks == 0 {
		c.t.Fatalf("%s was not checked", invariant)
	}
	c.Checks[invariant] += checks
}

// Figure notes something that was measured, in place of what was noted under that name before.
func (c *Case) Figure(name, format string, args ...any) {
	c.Figures = slices.DeleteFunc(c.Figures, func(f Figure) bool { return f.Name == name })
	c.Figures = append(c.Figures, Figure{name, fmt.Sprintf(format, args...)})
}

// root is the path of the module at the root of the repository.
const root = "github.com/forebay-go/forebay"

// packageUnderTest returns the package whose test binary this is.
func packageUnderTest() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return strings.TrimPrefix(strings.TrimSuffix(info.Path, ".test"), root+"/")
}

func (c *Case) write() {
	if c.t.Failed() || c.t.Skipped() {
		return
	}
	if len(c.Bits) == 0 {
		c.t.Errorf("nothing shows that %s bit", strings.Join(c.Faults, ", "))
		return
	}
	folder := os.Getenv(FolderVariable)
	if folder == "" {
		return
	}
	line, err := json.Marshal(c)
	if err != nil {
		c.t.Error(err)
		return
	}
	// packages are tested side by side
	name := strings.NewReplacer("/", "_", " ", "_").Replace(c.Package+"."+c.Test) + ".json"
	if err := os.WriteFile(filepath.Join(folder, name), line, 0o644); err != nil {
		c.t.Error(err)
	}
}
