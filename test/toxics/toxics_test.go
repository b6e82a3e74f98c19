package toxics_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/test/toxics"
)

// echo starts a server that sends back what it gets, and returns its address.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

// talk sends text through a new connection and returns what comes back, and why there is no more of
// it.
func talk(t *testing.T, x *toxics.Proxies, addr, text string) (string, error) {
	c, err := x.Dial(t.Context(), "tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Second)))
	_, err = c.Write([]byte(text))
	require.NoError(t, err)
	b := make([]byte, len(text))
	n, err := io.ReadFull(c, b)
	return string(b[:n]), err
}

func TestToxics_SpoilTheConnectionsOfTheNamedBrokers(t *testing.T) {
	sick, well := echo(t), echo(t)
	x, err := toxics.New(sick, well)
	require.NoError(t, err)
	t.Cleanup(x.Close)
	isTimeout := func(err error) bool {
		ne, ok := errors.AsType[net.Error](err)
		return ok && ne.Timeout()
	}
	isClosed := func(err error) bool {
		return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	isReset := func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
	// it may close the connection before it has read what was written
	isHungUp := func(err error) bool { return isClosed(err) || isReset(err) }
	for _, test := range []struct {
		name  string
		toxic toxics.Toxic
		got   string
		err   func(error) bool // nil: none
	}{
		{"latency", toxics.Latency(50*time.Millisecond, 10*time.Millisecond), "hello", nil},
		{"bandwidth", toxics.Bandwidth(100), "hello", nil},
		{"slicer", toxics.Slicer(2, time.Millisecond), "hello", nil},
		{"slow close", toxics.SlowClose(time.Second), "hello", nil},
		{"hole", toxics.Hole(), "", isTimeout},
		{"hole on the way back", toxics.Hole().Down(), "", isTimeout},
		{"hang-up", toxics.Hangup(time.Millisecond), "", isHungUp},
		{"reset", toxics.ResetPeer().Up(), "", isReset},
		{"cut in a frame", toxics.LimitData(3).Down(), "hel", isClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.NoError(t, x.Add(test.toxic, sick))
			before := x.Traffic(sick)
			got, err := talk(t, x, sick, "hello")
			require.Equal(t, test.got, got)
			if test.err == nil {
				require.NoError(t, err)
			} else {
				require.True(t, test.err(err), "%v", err)
			}
			traffic := x.Traffic(sick).Since(before)
			require.EqualValues(t, 1, traffic.Dials)
			require.EqualValues(t, len("hello"), traffic.Written)
			require.EqualValues(t, len(test.got), traffic.Read)

			got, err = talk(t, x, well, "hello")
			require.NoError(t, err)
			require.Equal(t, "hello", got)
			x.Clear()
			got, err = talk(t, x, sick, "hello")
			require.NoError(t, err)
			require.Equal(t, "hello", got)
		})
	}
	require.Zero(t, x.Traffic(well).Broken)
	require.EqualValues(t, 3, x.Traffic(sick).Broken)
}
