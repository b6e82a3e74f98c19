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
	const plays = `: 2 partitions, 3 replicas, retention 24 h$`
	require.Regexp(t, `(?m)^ok +kafka +plays +would be created`+plays,
		forebay(0, "topics", "apply", "--dry-run", "--partitions", "2"))
	require.Regexp(t, `(?m)^ok +kafka +plays +created`+plays,
		forebay(0, "topics", "apply", "--partitions", "2"))
	require.Regexp(t, `(?m)^ok +kafka +plays +exists: 2 partitions$`,
		forebay(0, "topics", "apply", "--partitions", "2"))

	out := forebay(0, "topics", "grow", "--topic", "pl*", "--add", "2", "--on", "1", "--dry-run")
	require.Regexp(t,
		`(?m)^TOPIC +PARTITION +LEADER +REPLICAS\nplays +2 +1 +\[1 \d \d\]\n`+
			`plays +3 +1 +\[1 \d \d\]\n\n2 partitions would be added$`, out)
	require.Contains(t, forebay(0, "topics", "grow", "--topic", "plays", "--add", "2", "--on", "1"),
		"2 partitions added")
	require.Regexp(t, `exists: 4 partitions`, forebay(0, "topics", "apply"))

	require.Contains(t, forebay(1, "topics", "grow", "--topic", "nope", "--add", "1", "--on", "1"),
		"topic nope: does not exist")
	require.Contains(t, forebay(1, "topics", "grow", "--topic", "plays", "--add", "1"),
		"write --on with the brokers to use")
	require.Contains(t, forebay(exitUsage, "topics", "grow", "--topic", "plays"),
		"--topic and --add are required")
	require.Contains(t, forebay(exitUsage, "topics", "grow", "--topic", "plays", "--add", "1",
		"--cluster", "x"), `there is no cluster "x": write one of kafka`)
	require.Contains(t, forebay(exitUsage, "topics", "apply", "--partitions", "-1"),
		`invalid argument "-1" for "--partitions" flag: write a number from 1, such as 3`)
	require.Contains(t, forebay(exitUsage, "topics", "apply", "--replication-factor", "2,3"),
		"there is already a value for all topics")
	require.Contains(t, forebay(exitUsage, "topics", "apply", "--retention", "plays=1 day"),
		"write a time such as 168h, forever")
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
	require.Regexp(t,
		`(?m)^ok +kafka +plays +created: 7 partitions, 2 replicas, retention 48 h$`, out)
	require.Regexp(t,
		`(?m)^ok +kafka +logs +created: 5 partitions, 1 replica, retention forever$`, out)

	out = forebay(0, "config", "check", "--probe")
	require.Regexp(t, `(?m)^ok +kafka +logs +1 replica$`, out,
		"as create_topics says, though it is not enabled")
	require.Regexp(t,
		`(?m)^warning +kafka +plays +retention 48 h: high priority recommends 24 h$`, out)
	out = forebay(1, "config", "check", "--probe", "--retention", "plays=48h",
		"--replication-factor", "plays=3")
	require.Regexp(t, `(?m)^wrong +kafka +plays +2 replicas: --replication-factor asks for 3$`, out)
	require.Regexp(t, `(?m)^ok +kafka +plays +retention 48 h$`, out)
	require.Contains(t, forebay(exitUsage, "config", "check", "--retention", "1h"),
		"--retention requires --probe")
}
