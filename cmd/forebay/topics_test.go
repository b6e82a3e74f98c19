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
	path := settingsFile(t,
		fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\ntopics: [{topic: plays, priority: "+
			"high}]\n", broker.addr))
	forebay := func(code int, args ...string) string {
		var out, stderr bytes.Buffer
		require.Equal(t, code, run(t.Context(), append(args, path), nil, &out, &stderr),
			out.String()+stderr.String())
		return out.String() + stderr.String()
	}
	require.Regexp(t, `(?m)^ok +kafka +plays +would be made: 2 partitions, 3 copies, 24 h$`,
		forebay(0, "topics", "apply", "--dry-run", "--partitions", "2"))
	require.Regexp(t, `(?m)^ok +kafka +plays +made: 2 partitions, 3 copies, 24 h$`,
		forebay(0, "topics", "apply", "--partitions", "2"))
	require.Regexp(t, `(?m)^ok +kafka +plays +is there: 2 partitions$`,
		forebay(0, "topics", "apply", "--partitions", "2"))

	out := forebay(0, "topics", "grow", "--topic", "pl*", "--add", "2", "--on", "1", "--dry-run")
	require.Regexp(t,
		`(?m)^TOPIC +PARTITION +LEADER +COPIES\nplays +2 +1 +\[1 \d \d\]\nplays +3 +1 +\[1 \d \d\]\n\n2 partitions would be added$`, out)
	require.Contains(t, forebay(0, "topics", "grow", "--topic", "plays", "--add", "2", "--on", "1"),
		"2 partitions were added")
	require.Regexp(t, `is there: 4 partitions`, forebay(0, "topics", "apply"))

	require.Contains(t, forebay(1, "topics", "grow", "--topic", "nope", "--add", "1", "--on", "1"),
		"topic nope: is not there")
	require.Contains(t, forebay(1, "topics", "grow", "--topic", "plays", "--add", "1"),
		"name those to place partitions on with --on")
	require.Contains(t, forebay(exitUsage, "topics", "grow", "--topic", "plays"),
		"--topic and --add")
	require.Contains(t, forebay(exitUsage, "topics", "grow", "--topic", "plays", "--add", "1",
		"--cluster", "x"), `there is no cluster "x": write one of kafka`)
	require.Contains(t, forebay(exitUsage, "topics", "apply", "--partitions", "-1"),
		`invalid argument "-1" for "--partitions" flag: write 1 or more`)
	require.Contains(t, forebay(exitUsage, "topics", "apply", "--replication-factor", "2,3"),
		"there is a value for all topics already")
	require.Contains(t, forebay(exitUsage, "topics", "apply", "--retention", "plays=1 day"),
		"write a time such as 168h, or forever")
	require.Equal(t, 1, run(t.Context(), []string{"topics", "apply", settingsFile(t, "bufer: 1\n")},
		nil, io.Discard, io.Discard))
}

func TestTopics_FlagsAndSettingsGoBeforeThePriority(t *testing.T) {
	broker := newFake(t, kfake.NumBrokers(3))
	path := settingsFile(t,
		fmt.Sprintf("clusters: {kafka: {brokers: [%q], create_topics: {replication_factor: 1, "+
			"partitions: 5}}}\n"+
			"topics: [{topic: plays, priority: high}, {topic: logs, priority: "+
			"low}]\n", broker.addr))
	forebay := func(code int, args ...string) string {
		var out bytes.Buffer
		require.Equal(t, code, run(t.Context(), append(args, path), nil, &out, &out), out.String())
		return out.String()
	}
	out := forebay(0, "topics", "apply", "--retention", "48h,logs=forever", "--partitions", "pl*=7",
		"--replication-factor", "plays=2")
	require.Regexp(t, `(?m)^ok +kafka +plays +made: 7 partitions, 2 copies, 48 h$`, out)
	require.Regexp(t, `(?m)^ok +kafka +logs +made: 5 partitions, 1 copy, for ever$`, out)

	out = forebay(0, "config", "check", "--probe")
	require.Regexp(t, `(?m)^ok +kafka +logs +1 copy$`, out,
		"as create_topics says, though it is not enabled")
	require.Regexp(t, `(?m)^warning +kafka +plays +kept for 48 h: high priority has 24 h$`, out)
	out = forebay(1, "config", "check", "--probe", "--retention", "plays=48h",
		"--replication-factor", "plays=3")
	require.Regexp(t, `(?m)^wrong +kafka +plays +2 copies: --replication-factor says 3$`, out)
	require.Regexp(t, `(?m)^ok +kafka +plays +kept for 48 h$`, out)
	require.Contains(t, forebay(exitUsage, "config", "check", "--retention", "1h"),
		"--retention requires --probe")
}
