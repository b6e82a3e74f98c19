//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProduce_PutsAChangedFileIntoForce(t *testing.T) {
	broker := newFake(t)
	text := fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\n", broker.addr)
	path := settingsFile(t, text)
	stdin, writer := io.Pipe()
	c := start(t, stdin, "produce", "--config", path, "--topic", topic)
	_, err := writer.Write([]byte("a\n"))
	require.NoError(t, err)
	replace := func(text string) { // in one step: a half-written file would be refused, too
		require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	replace(text + "bufer: {}\n")
	c.requireSays(t,
		"forebay: settings refused, the previous ones stay in force:\n  "+path+
			":2:1: bufer: unknown setting: did you mean buffer?")
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGHUP))
	require.Eventually(t, func() bool {
		return strings.Count(c.stderr.String(), "settings refused") == 2
	}, patience, 1e6)
	replace(text + "batching: {linger: 1ms}\n")
	c.requireSays(t, "forebay: settings applied:\n  batching.linger: 1ms, was 10ms")
	_, err = writer.Write([]byte("b\n"))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.Equal(t, exitOK, c.wait(t))
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
}
