package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProduce_TakesItsSettingsFromAFile(t *testing.T) {
	broker := newFake(t)
	path := settingsFile(t,
		fmt.Sprintf("clusters: {other: {brokers: [%q]}, fallback: {brokers: "+
			"['x:1']}}\npriorities: {medium: {cluster: fallback}, high: {cluster: other}}\n"+
			"topics: [{topic: %s, priority: high}]\nbatching: {linger: 1m, max_record_bytes: "+
			"100}\n", broker.addr, topic))
	args := []string{"produce", "--config", path, "--topic", topic}
	c := start(t, strings.NewReader("a\n"+strings.Repeat("x", 2000)+"\nb\n"),
		append(args, "--linger", "0")...)
	require.Equal(t, exitFailed, c.wait(t))
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
	require.Contains(t, c.stderr.String(),
		"standard input:2: not sent: 2,009 bytes exceed the 100 bytes of a record")

	c = start(t, strings.NewReader("a\n"), append(args, "--priority", "low")...)
	require.Equal(t, exitUsage, c.wait(t), "no cluster for it")

	c = start(t, strings.NewReader("a\n"), append(args, "--brokers", "a:1")...)
	require.Equal(t, exitUsage, c.wait(t))
	require.Contains(t, c.stderr.String(), "--brokers: the file of --config names the brokers")

	c = start(t, nil, "produce", "--topic", topic, "--config",
		settingsFile(t, "clusters: {a: {brokers: [a]}}\nbatching: {linger: x}\n"))
	require.Equal(t, exitUsage, c.wait(t))
	require.Contains(t, c.stderr.String(),
		`forebay.yaml:1:26: clusters.a.brokers[0]: "a": missing port`)
	require.Contains(t, c.stderr.String(), `forebay.yaml:2:20: batching.linger: "x": write a time`)
}
