package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/test/proof"
)

var update = flag.Bool("update", false, "write testdata/reliability.md anew")

// left writes what tests left into a folder.
func left(t *testing.T, cases ...proof.Case) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for i, c := range cases {
		put(t, folder, string(rune('a'+i))+".json", c)
	}
	return folder
}

func put(t *testing.T, folder, name string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o644))
}

func aCase(test string, faults ...string) proof.Case {
	return proof.Case{
		Package: "producer", Test: test, Faults: faults,
		Bits:   []proof.Bit{{What: "connections cut", Times: 1234}},
		Checks: map[string]uint64{"I5": 1_000_000, "I7": 12},
	}
}

func TestPage_TellsWhatWasSeenAndWhatWasNot(t *testing.T) {
	killed := aCase("TestKafka_F4_LosesNothing/killed", "F4")
	killed.Bits = []proof.Bit{{What: "leaders killed", Times: 5}, {What: "a | b", Times: 7},
		{What: "c", Times: 2}, {What: "d", Times: 1}}
	killed.Figures = []proof.Figure{{Name: "longest Send", Value: "1.2ms"},
		{Name: "resumed after", Value: "at once"}}
	paused := killed
	paused.Test, paused.Figures = "TestKafka_F4_LosesNothing/paused", []proof.Figure{{Name: "longest Send", Value: "90µs"}}
	cut := aCase("TestVirtual_F4_F8_CutAfterTheWrite", "F4", "F8")
	cut.Figures = []proof.Figure{{Name: "longest Send", Value: "0s"}}
	folder := left(t, killed, paused, cut, aCase("TestHostile", "H1: malformed frames"))
	put(t, folder, proof.MutantsFile, []proof.Mutant{{
		Name: "a report is lost", Broken: "one record is not " +
			"reported", Test: "TestVirtual_X", By: "has 0 reports", Took: 120 * time.Millisecond,
	}})
	require.NoError(t, os.WriteFile(filepath.Join(folder, "soak.txt"),
		[]byte("first\n60 minutes, 0 violations\n"), 0o644))

	s, err := read(folder)
	require.NoError(t, err)
	s.when, s.where = "2026-01-02", "a machine"
	golden := filepath.Join("testdata", "reliability.md")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(s.page()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), s.page())
}

func TestPage_OfTestsAloneSaysThatThereIsNoMore(t *testing.T) {
	s, err := read(left(t, aCase("TestVirtual_F5_Down", "F5")))
	require.NoError(t, err)
	page := s.page()
	require.Contains(t, page, "None in this run: `make mutants`")
	require.Contains(t, page, "None in this run: `make soak")
	require.Contains(t, page, "not covered by a test yet: needs spilling to disk")
}

func TestRead_FailsOnWhatTheDocumentDoesNotExplain(t *testing.T) {
	_, err := read(left(t, aCase("TestX", "F4", "F99")))
	require.EqualError(t, err, `TestX: there is no fault "F99"`)
	c := aCase("TestX", "F4")
	c.Checks["I18"] = 1
	_, err = read(left(t, c))
	require.EqualError(t, err, `TestX: there is no invariant "I18"`)
}

func TestRead_FailsOnNothingAndOnWhatItCannotRead(t *testing.T) {
	empty := t.TempDir()
	_, err := read(empty)
	require.EqualError(t, err, "no test has left anything in "+empty)
	require.NoError(t, os.WriteFile(filepath.Join(empty, "torn.json"), []byte(`{"Test":`), 0o644))
	_, err = read(empty)
	require.ErrorContains(t, err, "torn.json")
}

func TestReadSoak_TakesTheLastLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "soak.txt")
	text := ""
	for range 2 * soakLines {
		text += "line\n"
	}
	require.NoError(t, os.WriteFile(name, []byte(text+"last\n"), 0o644))
	got, err := readSoak(name)
	require.NoError(t, err)
	require.Len(t, got, (soakLines-1)*len("line\n")+len("last"))
}

func TestCount_WritesThousandsApart(t *testing.T) {
	require.Equal(t, []string{"", "7", "999", "1,000", "12,345,678"},
		[]string{count(0), count(7), count(999), count(1000), count(12_345_678)})
}
