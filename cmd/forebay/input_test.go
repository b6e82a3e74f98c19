package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInput_KnowsItsSizeWhereAllAreFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte("12345"), 0o600))
	stdin, err := os.Open(name)
	require.NoError(t, err)
	defer stdin.Close()

	in, err := newInput([]string{name, "-"}, stdin)
	require.NoError(t, err)
	require.EqualValues(t, 10, in.total)

	in, err = newInput([]string{name, "-"}, strings.NewReader("12345"))
	require.NoError(t, err)
	require.Zero(t, in.total)
}

func TestInput_CountsWhatIsRead(t *testing.T) {
	in := inputOf(t, "a\nbc\n")
	send, _ := fullFor(0)
	f := &feed{send: send, say: func(string) {}}
	require.NoError(t, f.run(t.Context(), in))
	require.EqualValues(t, 5, in.read.Load())
}
