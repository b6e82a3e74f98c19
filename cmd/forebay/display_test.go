package main

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

func newTestLive() (*liveDisplay, *syncBuffer) {
	out := new(syncBuffer)
	d := newLiveDisplay(out)
	d.bar.SetWidth(80)
	return d, out
}

func TestLiveDisplay_KeepsToOneLineOfTheTerminal(t *testing.T) {
	for _, read := range []float64{math.NaN(), 0, 0.5, 1} {
		for _, reason := range []string{"short", strings.Repeat("long ", 100)} {
			d, out := newTestLive()
			d.show(status{read: read, state: producer.Down, reason: reason})
			shown := out.String()
			require.True(t, strings.HasPrefix(shown, "\r"))
			require.NotContains(t, shown, "\n")
			require.Equal(t, 80, utf8.RuneCountInString(shown[1:]),
				"all of an older line is overwritten, and none wraps")
			require.Contains(t, shown, "cluster down: ")
		}
	}
}

func TestLiveDisplay_HasABarWhereTheSizeIsKnown(t *testing.T) {
	d, out := newTestLive()
	d.show(status{read: 0.5, state: producer.Up})
	require.Contains(t, out.String(), " 50% 0 delivered, 0/s, 0 waiting, cluster up [===")
}

func TestLiveDisplay_MakesWayForWhatStays(t *testing.T) {
	d, out := newTestLive()
	d.say("first")
	d.show(status{read: math.NaN(), state: producer.Connecting})
	d.say("second")
	d.end()
	require.True(t, strings.HasPrefix(out.String(), "first\n\rcluster connecting; 0 delivered"))
	require.True(t, strings.HasSuffix(out.String(), "\r\x1b[Ksecond\n"))
}

func TestPlainDisplay_WritesLines(t *testing.T) {
	out := new(syncBuffer)
	d := newDisplay(out, false, false)
	require.NotZero(t, d.every())
	d.show(status{read: math.NaN(), state: producer.Up})
	d.show(status{read: 0.123, state: producer.Up})
	d.say("text")
	d.end()
	const line = "0 delivered, 0/s, 0 waiting, cluster up\n"
	require.Equal(t, line+"12% read, "+line+"text\n", out.String())
	require.Zero(t, newDisplay(out, false, true).every())
}
