package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

func TestSplit_TellsNoKeyFromAnEmptyOne(t *testing.T) {
	none := []byte(nil)
	for line, want := range map[string]struct{ key, value []byte }{
		"":       {none, []byte{}},
		"v":      {none, []byte("v")},
		"::v":    {[]byte{}, []byte("v")},
		"k::":    {[]byte("k"), []byte{}},
		"k::v":   {[]byte("k"), []byte("v")},
		"k:::v":  {[]byte("k"), []byte(":v")},
		"k::v::": {[]byte("k"), []byte("v::")},
	} {
		key, value := split([]byte(line), []byte("::"))
		require.Equal(t, want.key, key, line)
		require.Equal(t, want.value, value, line)
	}
	key, value := split(nil, nil)
	require.Nil(t, key)
	require.NotNil(t, value)
}

// fullFor returns a Send that finds the buffer full for some time, and the values that it has
// taken.
func fullFor(d time.Duration) (send func(producer.Record) error, taken *[]string) {
	taken = new([]string)
	start := time.Now()
	return func(rec producer.Record) error {
		if time.Since(start) < d {
			return &producer.SendError{Err: producer.ErrBufferFull, Limit: 1 << 20}
		}
		*taken = append(*taken, string(rec.Value))
		return nil
	}, taken
}

func TestFeed_WaitsForRoomAndSendsTheSameLineAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		send, taken := fullFor(time.Hour)
		f := &feed{send: send, largest: maxRecordBytes, pending: func() uint64 { return 1 },
			room: newRoom(), say: func(string) {}}
		require.NoError(t, f.run(t.Context(), inputOf(t, "a\nb\n")))
		require.Equal(t, []string{"a", "b"}, *taken)
		require.Zero(t, f.tooLarge.Load())
	})
}

func TestFeed_PassesOverALineThatAnEmptyBufferHasNoRoomFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		send, taken := fullFor(1050 * time.Millisecond)
		var said []string
		f := &feed{send: send, largest: maxRecordBytes, pending: func() uint64 { return 0 },
			room: newRoom(), say: func(s string) { said = append(said, s) }}
		require.NoError(t, f.run(t.Context(), inputOf(t, "a\nb\n")))
		require.Equal(t, []string{"b"}, *taken)
		require.Equal(t,
			[]string{"standard input:1: not sent: 1 bytes exceed the 1,048,576 bytes of --buffer"},
			said)
		require.EqualValues(t, 1, f.tooLarge.Load())
	})
}

func TestFeed_EndsWithItsContextWhileTheBufferIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		send, _ := fullFor(time.Hour)
		f := &feed{send: send, largest: maxRecordBytes, pending: func() uint64 { return 1 },
			room: newRoom(), say: func(string) {}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, f.run(ctx, inputOf(t, "a\n")), context.DeadlineExceeded)
	})
}

func inputOf(t *testing.T, text string) *input {
	t.Helper()
	in, err := newInput(nil, strings.NewReader(text))
	require.NoError(t, err)
	return in
}
