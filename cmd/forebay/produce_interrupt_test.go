package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests here send real signals, which reach every command of the process: they must not run in
// parallel.

// interrupt sends SIGINT to this process.
func interrupt(t *testing.T) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, self.Signal(os.Interrupt))
}

// survive keeps a late signal from ending the test process.
func survive(t *testing.T) {
	c := make(chan os.Signal, 10)
	signal.Notify(c, os.Interrupt)
	t.Cleanup(func() { signal.Stop(c) })
}

// typist returns a standard input that holds text and then blocks.
func typist(t *testing.T, text string) io.Reader {
	stdin, writer := io.Pipe()
	t.Cleanup(func() { writer.Close() })
	go writer.Write([]byte(text))
	return stdin
}

func TestProduce_FinishesWhatWasReadWhenInterrupted(t *testing.T) {
	survive(t)
	broker := newFake(t)
	arrived, release := broker.hold()
	c := start(t, typist(t, "a\nb\nhalf"), produceArgs(broker.addr)...)
	<-arrived
	interrupt(t)
	c.requireSays(t, "interrupted: waiting up to 30s for 2 undelivered records")
	release()
	require.Equal(t, exitInterrupted, c.wait(t), "the input was not read to its end")
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
	require.Contains(t, c.lastLine(), "accepted 2, delivered 2, not delivered 0, in ")
	require.Contains(t, c.lastLine(), "interrupted before the end of the input")
}

func TestProduce_GivesUpAtOnceWhenInterruptedTwice(t *testing.T) {
	survive(t)
	broker := newFake(t)
	arrived := broker.swallow()
	c := start(t, typist(t, "a\n"), produceArgs(broker.addr, "--close-timeout", "1h")...)
	<-arrived
	interrupt(t)
	c.requireSays(t, "interrupted: waiting up to 1h0m0s")
	time.Sleep(echo) // sooner, it would count as the same signal
	interrupt(t)
	require.Equal(t, exitInterrupted, c.wait(t))
	require.Contains(t, c.lastLine(),
		"accepted 1, delivered 0, not delivered 1 (1 unanswered at close)")
}

func TestProduce_GivesUpAfterTheCloseTimeout(t *testing.T) {
	survive(t)
	broker := newFake(t)
	arrived := broker.swallow()
	c := start(t, typist(t, "a\n"), produceArgs(broker.addr, "--close-timeout", "10ms")...)
	<-arrived
	interrupt(t)
	require.Equal(t, exitInterrupted, c.wait(t))
	require.Contains(t, c.lastLine(), "not delivered 1 (1 unanswered at close)")
}

func TestProduce_IsInterruptedWhileItWaitsForRoom(t *testing.T) {
	survive(t)
	broker := newFake(t)
	broker.swallow()
	stdin, writer := io.Pipe()
	c := start(t, stdin, produceArgs(broker.addr, "--buffer", "1MiB", "--close-timeout", "0")...)
	line := []byte(strings.Repeat("x", 999) + "\n")
	blocked := make(chan struct{})
	go func() {
		defer close(blocked)
		for {
			if _, err := writer.Write(line); err != nil {
				return
			}
		}
	}()
	c.requireSays(t, "cluster up") // seconds later: the buffer is full and the writer waits
	interrupt(t)
	require.Equal(t, exitInterrupted, c.wait(t))
	require.Contains(t, c.lastLine(), "interrupted before the end of the input")
	require.NoError(t, stdin.Close())
	<-blocked
}

func TestRun_GivesUpAtOnceWhenItsContextEnds(t *testing.T) {
	broker := newFake(t)
	arrived := broker.swallow()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stderr syncBuffer
	code := make(chan int, 1)
	stdin := typist(t, "a\n")
	go func() { code <- run(ctx, produceArgs(broker.addr), stdin, io.Discard, &stderr) }()
	<-arrived
	cancel()
	require.Equal(t, exitInterrupted, <-code)
	require.Contains(t, stderr.String(), "not delivered 1")
}
