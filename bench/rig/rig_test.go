package rig

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

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
