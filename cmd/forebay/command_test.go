package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds every wait for something that must happen.
const patience = time.Minute

// command is a run of forebay in the background.
type command struct {
	stderr syncBuffer
	code   chan int
}

// start runs forebay with args until it or the test ends.
func start(t *testing.T, stdin io.Reader, args ...string) *command {
	t.Helper()
	c := &command{code: make(chan int, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("stderr of forebay %s:\n%s", strings.Join(args, " "), c.stderr.String())
		}
	})
	go func() {
		defer close(ended)
		c.code <- run(ctx, args, stdin, io.Discard, &c.stderr)
	}()
	return c
}

// wait returns the exit code.
func (c *command) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-c.code:
		return code
	case <-time.After(patience):
		require.FailNow(t, "the command does not end", c.stderr.String())
		return -1
	}
}

// requireSays waits until the command has written text to stderr.
func (c *command) requireSays(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(c.stderr.String(), text) },
		patience, time.Millisecond, text)
}

// lastLine returns the last line of stderr.
func (c *command) lastLine() string {
	lines := strings.Split(strings.TrimSpace(c.stderr.String()), "\n")
	return lines[len(lines)-1]
}

// produceArgs returns a command line that sends to the topic "lines" of the broker.
func produceArgs(addr string, more ...string) []string {
	return append([]string{"produce", "--brokers", addr, "--topic", topic}, more...)
}

type syncBuffer struct {
	mu  sync.Mutex // guards what follows
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
