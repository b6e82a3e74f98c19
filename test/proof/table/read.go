package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/forebay-go/forebay/test/proof"
)

// seen is what a run of the tests has left.
type seen struct {
	when, where string

	tests   []test // by name
	mutants []proof.Mutant
	soak    string // the last lines of one; empty: none
}

// test is a test with all of its parts, each of which may have written a case.
type test struct {
	name    string
	pkg     string
	faults  []string
	bits    []proof.Bit
	checks  map[string]uint64
	figures []proof.Figure
}

// soakLines is how many lines of a soak are told.
const soakLines = 40

// read reads a folder.
func read(folder string) (*seen, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	s := new(seen)
	for _, name := range names {
		if filepath.Base(name) == proof.MutantsFile {
			err = decode(name, &s.mutants)
		} else {
			var c proof.Case
			if err = decode(name, &c); err == nil {
				err = s.add(&c)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if len(s.tests) == 0 {
		return nil, fmt.Errorf("no test has left anything in %s", folder)
	}
	slices.SortFunc(s.tests, func(a, b test) int { return strings.Compare(a.name, b.name) })
	s.soak, err = readSoak(filepath.Join(folder, "soak.txt"))
	return s, err
}

func decode(name string, v any) error {
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readSoak returns the last lines of a file, which need not be there.
func readSoak(name string) (string, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-soakLines):], "\n"), err
}

// add adds a case to its test.
func (s *seen) add(c *proof.Case) error {
	for _, f := range c.Faults {
		if !known(faults, idOf(f)) {
			return fmt.Errorf("%s: there is no fault %q", c.Test, f)
		}
	}
	for id := range c.Checks {
		if !known(invariants, id) {
			return fmt.Errorf("%s: there is no invariant %q", c.Test, id)
		}
	}
	name, _, _ := strings.Cut(c.Test, "/")
	t := s.test(c.Package, name)
	for _, f := range c.Faults {
		if !slices.Contains(t.faults, idOf(f)) {
			t.faults = append(t.faults, idOf(f))
		}
	}
	t.bits = addBits(t.bits, c.Bits)
	for id, n := range c.Checks {
		t.checks[id] += n
	}
	t.figures = append(t.figures, c.Figures...)
	return nil
}

// test returns the test called name of a package.
func (s *seen) test(pkg, name string) *test {
	for i := range s.tests {
		if t := &s.tests[i]; t.name == name && t.pkg == pkg {
			return t
		}
	}
	s.tests = append(s.tests, test{name: name, pkg: pkg, checks: make(map[string]uint64)})
	return &s.tests[len(s.tests)-1]
}

// addBits adds up bits that say the same.
func addBits(to, more []proof.Bit) []proof.Bit {
	for _, b := range more {
		i := slices.IndexFunc(to, func(have proof.Bit) bool { return have.What == b.What })
		if i < 0 {
			to = append(to, b)
		} else {
			to[i].Times += b.Times
		}
	}
	return to
}

// of returns the tests that inject a fault.
func (s *seen) of(fault string) []test {
	return slices.DeleteFunc(slices.Clone(s.tests),
		func(t test) bool { return !slices.Contains(t.faults, fault) })
}
