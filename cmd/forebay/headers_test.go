package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestProduce_AddsItsHeadersToEveryRecord(t *testing.T) {
	broker := newFake(t)
	c := start(t, strings.NewReader("k:a\nb\n"), produceArgs(broker.addr, "--key-separator", ":",
		"--header", "source=import", "--header", "query=a=1,b=2", "--header", "none=",
		"--header", "source=again")...)
	require.Equal(t, exitOK, c.wait(t))
	records := broker.read(t)
	require.Equal(t, []string{"a", "b"}, values(records))
	for _, r := range records {
		require.Equal(t, []kgo.RecordHeader{
			{Key: "source", Value: []byte("import")},
			{Key: "query", Value: []byte("a=1,b=2")},
			{Key: "none", Value: []byte{}},
			{Key: "source", Value: []byte("again")},
		}, r.Headers)
	}
}

func TestProduce_CountsHeadersTowardTheSizeOfARecord(t *testing.T) {
	broker := newFake(t)
	line := strings.Repeat("x", maxRecordBytes-1000)
	c := start(t, strings.NewReader("a\n"+line+"\nb\n"),
		produceArgs(broker.addr, "--header", "h="+strings.Repeat("y", 1000))...)
	require.Equal(t, exitFailed, c.wait(t))
	require.Contains(t, c.stderr.String(),
		"standard input:2: not sent: 1,000,0", "the size of line and headers")
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
}
