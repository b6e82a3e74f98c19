package faultnet_test

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/faultnet"
)

// dial opens a connection through l and returns both of its ends.
func dial(t *testing.T) (l *faultnet.Link, ours, theirs net.Conn) {
	l = faultnet.New(func(context.Context, string, string) (net.Conn, error) {
		ours, theirs = net.Pipe()
		return ours, nil
	})
	c, err := l.Dial(t.Context(), "tcp", "anywhere:1")
	require.NoError(t, err)
	return l, c, theirs
}

func TestLink_DelaysWhatIsWrittenAndKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, ours, theirs := dial(t)
		defer ours.Close()
		l.Delay(time.Second)
		begin := time.Now()
		_, err := ours.Write([]byte("first "))
		require.NoError(t, err)
		require.Zero(t, time.Since(begin), "the writer does not wait")
		l.Delay(0)
		_, err = ours.Write([]byte("second"))
		require.NoError(t, err)
		got := make([]byte, 12)
		_, err = io.ReadFull(theirs, got)
		require.NoError(t, err)
		require.Equal(t, "first second", string(got))
		require.Equal(t, time.Second, time.Since(begin))
	})
}

func TestLink_LosesWhatIsOnItsWayWhenItIsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, ours, theirs := dial(t)
		l.Delay(time.Second)
		_, err := ours.Write([]byte("lost"))
		require.NoError(t, err)
		l.Reset()
		rest, err := io.ReadAll(theirs)
		require.NoError(t, err)
		require.Empty(t, rest)
		_, err = ours.Write([]byte("more"))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.EqualValues(t, 1, l.Cuts())
	})
}

func TestLink_HangsUpOnWhatIsTooLarge(t *testing.T) {
	l, ours, theirs := dial(t)
	l.HangUpAbove(10)
	go func() { _, _ = ours.Write(make([]byte, 10)) }()
	_, err := io.ReadFull(theirs, make([]byte, 10))
	require.NoError(t, err)
	n, err := ours.Write(make([]byte, 11))
	require.NoError(t, err)
	require.Equal(t, 11, n)
	rest, err := io.ReadAll(theirs)
	require.NoError(t, err)
	require.Empty(t, rest)
	_, err = ours.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.EqualValues(t, 1, l.Cuts())
}

func TestLink_CutsAfterTheWritesThatAreChosenWhenTheyHaveGoneThrough(t *testing.T) {
	l, ours, theirs := dial(t)
	l.CutAfter(func(written []byte) bool { return string(written) == "second" })
	go func() {
		for _, s := range []string{"first ", "second"} {
			_, _ = ours.Write([]byte(s))
		}
	}()
	got, err := io.ReadAll(theirs)
	require.NoError(t, err)
	require.Equal(t, "first second", string(got))
	_, err = ours.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.EqualValues(t, 1, l.Cuts())

	l, ours, theirs = dial(t)
	defer ours.Close()
	l.CutAfter(func([]byte) bool { return true })
	l.CutAfter(nil)
	go func() { _, _ = ours.Write([]byte("first")) }()
	_, err = io.ReadFull(theirs, make([]byte, 5))
	require.NoError(t, err)
	require.Zero(t, l.Cuts())
}
