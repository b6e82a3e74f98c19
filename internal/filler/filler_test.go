package filler

import (
	"bytes"
	"compress/flate"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFill_BeginsWithTheNumberAndDiffersFromRecordToRecord(t *testing.T) {
	one, two := make([]byte, 100), make([]byte, 100)
	Fill(one, 4711)
	Fill(two, 4712)
	require.True(t, strings.HasPrefix(string(one), "4711"))
	require.NotEqual(t, one[4:], two[4:])
	require.NotContains(t, string(one), "\x00")
}

func TestFill_ACodecMakesItAboutHalfAsLong(t *testing.T) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	require.NoError(t, err)
	value := make([]byte, 1000)
	for i := range 100 {
		Fill(value, uint64(i))
		_, err := w.Write(value)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.InDelta(t, 50_000, packed.Len(), 10_000)
}

func TestFill_ValuesShorterThanTheirNumber(t *testing.T) {
	value := make([]byte, 2)
	Fill(value, 12345)
	require.Len(t, value, 2)
}
