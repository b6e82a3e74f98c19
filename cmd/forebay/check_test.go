//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck_PrintsEveryMistakeOrWhatIsInForce(t *testing.T) {
	var out bytes.Buffer
	path := settingsFile(t, "clusters: {a: {brokers: [x]}}\nbatching: {linger: 10}\nbufer: {}\n")
	require.Equal(t, 1, run(t.Context(), []string{"config", "check", path}, nil, &out, io.Discard))
	require.Equal(t, strings.ReplaceAll(`PATH:1:26: clusters.a.brokers[0]: "x": missing port in address: write host:port, such as "kafka-1:9092"
PATH:2:20: batching.linger: "10": no unit: write 10ms, 10s or 10m
PATH:3:1: bufer: there is no such setting: did you mean buffer?

3 mistakes in PATH
`, "PATH", path), out.String())

	out.Reset()
	path = settingsFile(t, "clusters: {a: {brokers: ['x:1']}}\nbatching: {linger: 7ms}\n")
	require.Equal(t, 0, run(t.Context(), []string{"config", "check", path}, nil, &out, io.Discard))
	require.Regexp(t, `(?m)^batching.linger +7ms +.*/forebay.yaml:2:20$`, out.String())
	require.Regexp(t, `(?m)^buffer.max_bytes +64MiB +default$`, out.String())
	require.True(t, strings.HasSuffix(out.String(), "\nno mistakes in "+path+"\n"),
		"nor anything to warn of")

	out.Reset()
	path = settingsFile(t,
		"clusters: {a: {brokers: ['x:1'], sasl: {mechanism: plain, user: u, password: p}}}\n")
	require.Equal(t, 0, run(t.Context(), []string{"config", "check", path}, nil, &out, io.Discard))
	require.Contains(t, out.String(),
		"\nno mistakes in "+path+"\nwarning: "+path+":1:52: clusters.a.sasl.mechanism: plain "+
			"without TLS sends ")

	out.Reset()
	require.Equal(t, 1, run(t.Context(), []string{"config", "check", path + ".not"}, nil, &out,
		io.Discard))
	require.Contains(t, out.String(), ".not: not read: no such file or directory\n\n1 mistake in ")
	var stderr bytes.Buffer
	require.Equal(t, exitUsage, run(t.Context(), []string{"config", "check"}, nil, io.Discard,
		&stderr))
	require.Contains(t, stderr.String(), "0 files: write the name of one")
	require.Equal(t, exitUsage, run(t.Context(), []string{"config", "chek", path}, nil, io.Discard,
		&stderr))
	require.Contains(t, stderr.String(), `unknown command "chek"`)
	require.Equal(t, exitUsage, run(t.Context(), []string{"config"}, nil, io.Discard, &stderr))
}

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
	require.Equal(t, exitUndelivered, c.wait(t))
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
	require.Contains(t, c.stderr.String(),
		"standard input:2: not sent: 2,009 bytes are too large for a record of 100 bytes")

	c = start(t, strings.NewReader("a\n"), append(args, "--priority", "low")...)
	require.Equal(t, exitUsage, c.wait(t), "no cluster for it")

	c = start(t, strings.NewReader("a\n"), append(args, "--brokers", "a:1")...)
	require.Equal(t, exitUsage, c.wait(t))
	require.Contains(t, c.stderr.String(), "--brokers: the brokers are in --config")

	c = start(t, nil, "produce", "--topic", topic, "--config",
		settingsFile(t, "clusters: {a: {brokers: [a]}}\nbatching: {linger: x}\n"))
	require.Equal(t, exitUsage, c.wait(t))
	require.Contains(t, c.stderr.String(),
		`forebay.yaml:1:26: clusters.a.brokers[0]: "a": missing port`)
	require.Contains(t, c.stderr.String(), `forebay.yaml:2:20: batching.linger: "x": write a time`)
}

func TestProduce_PutsAChangedFileIntoForce(t *testing.T) {
	broker := newFake(t)
	text := fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\n", broker.addr)
	path := settingsFile(t, text)
	stdin, writer := io.Pipe()
	c := start(t, stdin, "produce", "--config", path, "--topic", topic)
	_, err := writer.Write([]byte("a\n"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(text+"bufer: {}\n"), 0o600))
	c.requireSays(t,
		"forebay: settings refused, those in force stay:\n  "+path+":2:1: bufer: there is no "+
			"such setting: did you mean buffer?")
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGHUP))
	require.Eventually(t, func() bool {
		return strings.Count(c.stderr.String(),
			"settings refused") == 2
	}, patience, 1e6)
	require.NoError(t, os.WriteFile(path, []byte(text+"batching: {linger: 1ms}\n"), 0o600))
	c.requireSays(t, "forebay: settings put into force:\n  batching.linger: 1ms, was 10ms")
	_, err = writer.Write([]byte("b\n"))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.Equal(t, exitOK, c.wait(t))
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
}

func TestCheck_AsksTheClusters(t *testing.T) {
	broker := newFake(t)
	path := settingsFile(t,
		fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\ntopics: [{topic: not.there, priority: "+
			"low}]\n", broker.addr))
	var out bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"config", "check", "--probe", "--topic", topic,
		path}, nil, &out, io.Discard))
	require.Regexp(t, `(?m)^ok +kafka +`+broker.addr+` +answers$`, out.String())
	require.Regexp(t, `(?m)^wrong +kafka +not.there +is not there: records for it wait`,
		out.String())
	require.Regexp(t, `(?m)^ok +kafka +lines +is there, 3 partitions$`, out.String())
	require.Contains(t, out.String(), " wrong\n")
	require.Equal(t, exitUsage, run(t.Context(),
		[]string{"config", "check", "--topic", topic, path}, nil, &out, io.Discard))
}
