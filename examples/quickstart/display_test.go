package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewScreen_IsPlainWhereNoTerminalIs(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	require.Equal(t, screen{Writer: w}, newScreen(w))
}
