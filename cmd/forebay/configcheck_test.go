//go:build unix

package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck_PrintsEveryMistakeOrWhatIsInForce(t *testing.T) {
	var out bytes.Buffer
	path := settingsFile(t, "clusters: {a: {brokers: [x]}}\nbatching: {linger: 10}\nbufer: {}\n")
	require.Equal(t, 1, run(t.Context(), []string{"config", "check", path}, nil, &out, io.Discard))
	require.Equal(t, strings.ReplaceAll(
		`PATH:1:26: clusters.a.brokers[0]: "x": missing port in address: `+
			`write host:port, such as "kafka-1:9092"
PATH:2:20: batching.linger: "10": no unit: write 10ms, 10s or 10m
PATH:3:1: bufer: unknown setting: did you mean buffer?

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
	require.Contains(t, out.String(),
		".not: cannot be read: no such file or directory\n\n1 mistake in ")
	var stderr bytes.Buffer
	require.Equal(t, exitUsage, run(t.Context(), []string{"config", "check"}, nil, io.Discard,
		&stderr))
	require.Contains(t, stderr.String(), "0 file names given: name one settings file")
	require.Equal(t, exitUsage, run(t.Context(), []string{"config", "chek", path}, nil, io.Discard,
		&stderr))
	require.Contains(t, stderr.String(), `unknown command "chek"`)
	require.Equal(t, exitUsage, run(t.Context(), []string{"config"}, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), `no command after "config": name one`)
}
