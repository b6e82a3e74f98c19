package main

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestTopics_AppliesAndGrowsThoseOfAFile(t *testing.T) {
	broker := newFake(t, kfake.NumBrokers(3))
	path := settingsFile(t, fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\ntopics: [{topic: plays, priority: high}]\n", broker.addr))
	forebay := func(code int, args ...string) string {
		var out, stderr bytes.Buffer
		require.Equal(t, code, run(t.Context(), append(args, path), nil, &out, &stderr), out.String()+stderr.String())
		return out.String() + stderr.String()
	}
	require.Regexp(t, `(?m)^ok +kafka +plays +would be made: 2 partitions, 3 copies, 24 h$`, forebay(0, "topics", "apply", "--dry-run", "--partitions", "2"))
	require.Regexp(t, `(?m)^ok +kafka +plays +made: 2 partitions, 3 copies, 24 h$`, forebay(0, "topics", "apply", "--partitions", "2"))
	require.Regexp(t, `(?m)^ok +kafka +plays +is there: 2 partitions$`, forebay(0, "topics", "apply", "--partitions", "2"))

	out := forebay(0, "topics", "grow", "--topic", "pl*", "--add", "2", "--on", "1", "--dry-run")
	require.Regexp(t, `(?m)^TOPIC +PARTITION +LEADER +COPIES\nplays +2 +1 +\[1 \d \d\]\nplays +3 +1 +\[1 \d \d\]\n\n2 partitions would be added$`, out)
	require.Contains(t, forebay(0, "topics", "grow", "--topic", "plays", "--add", "2", "--on", "1"), "2 partitions were added")
	require.Regexp(t, `is there: 4 partitions`, forebay(0, "topics", "apply"))

	require.Contains(t, forebay(1, "topics", "grow", "--topic", "nope", "--add", "1", "--on", "1"), "topic nope: is not there")
	require.Contains(t, forebay(1, "topics", "grow", "--topic", "plays", "--add", "1"), "name those to place partitions on with --on")
	require.Contains(t, forebay(exitUsage, "topics", "grow", "--topic", "plays"), "--topic and --add")
	require.Contains(t, forebay(exitUsage, "topics", "grow", "--topic", "plays", "--add", "1", "--cluster", "x"), `there is no cluster "x": write one of kafka`)
	require.Contains(t, forebay(exitUsage, "topics", "apply", "--partitions", "-1"), "--partitions: -1")
	require.Equal(t, 1, run(t.Context(), []string{"topics", "apply", settingsFile(t, "bufer: 1\n")}, nil, io.Discard, io.Discard))
}
