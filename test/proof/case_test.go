package proof_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/test/proof"
)

func TestCase_IsWrittenWhenItsTestHasPassed(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(proof.FolderVariable, folder)
	t.Run("case", func(t *testing.T) {
		c := proof.Of(t, "F8", "F9")
		c.Bit("connections cut", 1)
		c.Bit("connections cut", 2)
		c.Held("I7", 10)
		c.Held("I7", 5)
		c.Figure("longest Send", "%d µs", 11)
		c.Figure("longest Send", "%d µs", 12)
	})
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	line, err := os.ReadFile(files[0])
	require.NoError(t, err)
	var c proof.Case
	require.NoError(t, json.Unmarshal(line, &c))
	require.Equal(t, "test/proof", c.Package)
	require.Equal(t, t.Name()+"/case", c.Test)
	require.Equal(t, []string{"F8", "F9"}, c.Faults)
	require.Equal(t, []proof.Bit{{What: "connections cut", Times: 3}}, c.Bits)
	require.EqualValues(t, 15, c.Checks["I7"])
	require.Equal(t, []proof.Figure{{Name: "longest Send", Value: "12 µs"}}, c.Figures)
}
