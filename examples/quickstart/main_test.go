package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// brisk is the story in two seconds.
var brisk = pace{start: 300 * time.Millisecond, outage: 800 * time.Millisecond,
	comeback: 1400 * time.Millisecond, end: 2 * time.Second}

func TestStory_EveryAcceptedRecordIsReadBackOnce(t *testing.T) {
	for _, out := range []screen{{}, {live: true}, {live: true, colour: true}} {
		t.Run(fmt.Sprintf("live=%v,colour=%v", out.live, out.colour), func(t *testing.T) {
			var written bytes.Buffer
			out.Writer = &written

			require.NoError(t, story(t.Context(), out, brisk))

			seen := replay(t, written.String())
			t.Log(seen)
			require.Contains(t, seen, "accepted records are in Kafka exactly once")
			require.Contains(t, seen, "after the high cluster came up")
			require.Contains(t, seen, "after the high cluster came back")
			require.Equal(t, 1, strings.Count(seen, "The high cluster comes back"))
			require.NotContains(t, seen, "its cluster", "the table gives way to the books")
			require.Equal(t, out.colour, strings.Contains(written.String(), "\x1b[0m"))
			require.Equal(t, out.live, strings.Contains(written.String(), "its cluster"))
			widest := 100
			if out.live {
				widest = 80 // as many terminals are
			}
			for line := range strings.Lines(redrawal.ReplaceAllString(colours.ReplaceAllString(written.String(), ""), "")) {
				require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")),
					widest, line)
			}
		})
	}
}

func TestStory_EndsAtOnceWhenInterruptedInAnOutage(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out := screen{Writer: writerFunc(func(b []byte) {
		if bytes.Contains(b, []byte("The high cluster goes away")) {
			interrupt()
		}
	})}
	unhurried := brisk
	unhurried.comeback, unhurried.end = time.Hour, time.Hour

	require.ErrorIs(t, story(ctx, out, unhurried), context.Canceled)
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

var (
	colours  = regexp.MustCompile("\x1b\\[[0-9]+m")
	redrawal = regexp.MustCompile("\x1b\\[([0-9]+)A\x1b\\[J")
)

// replay returns what is on the screen in the end, of a terminal that is long enough.
func replay(t *testing.T, written string) string {
	t.Helper()
	written = colours.ReplaceAllString(written, "")
	var lines []string
	for {
		at := redrawal.FindStringSubmatchIndex(written)
		if at == nil {
			return strings.Join(append(lines, written), "")
		}
		for line := range strings.Lines(written[:at[0]]) {
			require.True(t, strings.HasSuffix(line, "\n"),
				"the cursor goes up from the start of a line: %q", line)
			lines = append(lines, line)
		}
		up, err := strconv.Atoi(written[at[2]:at[3]])
		require.NoError(t, err)
		require.LessOrEqual(t, up, len(lines))
		lines, written = lines[:len(lines)-up], written[at[1]:]
	}
}
