package rig

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStat_TakesUserAndSystem(t *testing.T) {
	cpu, err := parseStat("42 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0")
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, cpu)
	for _, text := range []string{"", "42 (java", "42 (java) S 1 2",
		"42 (java) S 1 2 3 4 5 6 7 8 9 10 x 50"} {
		_, err := parseStat(text)
		require.Error(t, err, text)
	}
}

func TestDo_ReturnsWhatFailedAndCleansUp(t *testing.T) {
	var dir string
	var order []int
	wrong := errors.New("wrong")
	err := Do(t.Context(), func(tb *TB) {
		dir = tb.TempDir()
		tb.Cleanup(func() { order = append(order, 1) })
		tb.Cleanup(func() { order = append(order, 2) })
		tb.Check(wrong)
	})
	require.ErrorIs(t, err, wrong)
	require.Equal(t, []int{2, 1}, order)
	_, err = os.Stat(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Error(t, Do(t.Context(), func(tb *TB) { tb.Errorf("something") }))
	require.NoError(t, Do(t.Context(), func(*TB) {}))
}
