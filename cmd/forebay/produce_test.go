package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestProduce_SendsEveryLineOnce(t *testing.T) {
	for _, args := range [][]string{
		nil,
		{"--buffer", "1MiB", "--compression", "zstd"},
		{"--linger", "0", "--acks", "leader", "--priority", "high"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			broker := newFake(t)
			var input strings.Builder
			var want []string
			for i := range 50_000 {
				line := fmt.Sprintf("line-%08d", i)
				want = append(want, line)
				input.WriteString(line + "\n")
			}
			c := start(t, strings.NewReader(input.String()), produceArgs(broker.addr, args...)...)
			require.Equal(t, exitOK, c.wait(t))
			require.Equal(t, want, values(broker.read(t)))
			require.Contains(t, c.lastLine(),
				"accepted 50,000, delivered 50,000, not delivered 0, in ")
		})
	}
}

func TestProduce_CutsLines(t *testing.T) {
	long := strings.Repeat("x", 900_000)
	for name, row := range map[string]struct {
		input string
		want  []string
	}{
		"missing newline":     {"a\nb", []string{"a", "b"}},
		"carriage returns":    {"a\r\nb\r\n\r\nc\rd\n", []string{"", "a", "b", "c\rd"}},
		"empty lines":         {"\n\n\n", []string{"", "", ""}},
		"empty input":         {"", nil},
		"long line":           {"a\n" + long + "\nb\n", []string{"a", "b", long}},
		"long without end":    {"a\n" + long, []string{"a", long}},
		"something not UTF-8": {"a\xff\xfe\n", []string{"a\xff\xfe"}},
	} {
		t.Run(name, func(t *testing.T) {
			broker := newFake(t)
			c := start(t, strings.NewReader(row.input), produceArgs(broker.addr)...)
			require.Equal(t, exitOK, c.wait(t))
			require.Equal(t, row.want, values(broker.read(t)))
			for _, r := range broker.read(t) {
				require.Nil(t, r.Key)
				require.NotNil(t, r.Value)
			}
		})
	}
}

func TestProduce_TakesKeysFromLines(t *testing.T) {
	broker := newFake(t)
	c := start(t, strings.NewReader("k1:a\nnone\n:b\nk2:\nk1:c:d\n"),
		produceArgs(broker.addr, "--key-separator", ":")...)
	require.Equal(t, exitOK, c.wait(t))
	var got []string
	var ofK1 []string
	for _, r := range broker.read(t) {
		require.NotNil(t, r.Value)
		key := "null"
		if r.Key != nil {
			key = fmt.Sprintf("%q", r.Key)
		}
		got = append(got, key+"="+string(r.Value))
		if key == `"k1"` {
			ofK1 = append(ofK1, string(r.Value))
		}
	}
	require.ElementsMatch(t, []string{`"k1"=a`, `null=none`, `""=b`, `"k2"=`, `"k1"=c:d`}, got)
	require.Equal(t, []string{"a", "c:d"}, ofK1, "order within a key")
}

func TestProduce_ReadsFilesAndStandardInputInTurn(t *testing.T) {
	broker := newFake(t)
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	require.NoError(t, os.WriteFile(one, []byte("k=1\nk=2"), 0o600))
	require.NoError(t, os.WriteFile(two, []byte("k=4\n"), 0o600))
	c := start(t, strings.NewReader("k=3\n"),
		produceArgs(broker.addr, "--key-separator", "=", one, "-", two)...)
	require.Equal(t, exitOK, c.wait(t))
	var got []string
	for _, r := range broker.read(t) {
		got = append(got, string(r.Value))
	}
	require.Equal(t, []string{"1", "2", "3", "4"}, got,
		"the order of one key is the order of the input")
}

func TestProduce_TellsLinesThatAreTooLargeAndSendsTheRest(t *testing.T) {
	broker := newFake(t)
	file := filepath.Join(t.TempDir(), "big.log")
	content := "a\n" + strings.Repeat("x", 3_000_000) + "\nb\n" +
		strings.Repeat("y", maxRecordBytes-1) + "\nc\n" + strings.Repeat("z", 1_200_000)
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	c := start(t, nil, produceArgs(broker.addr, file)...)
	require.Equal(t, exitFailed, c.wait(t))
	require.Equal(t, []string{"a", "b", "c"}, values(broker.read(t)))
	require.Contains(t, c.stderr.String(),
		file+":2: not sent: 3,000,001 bytes exceed the 1,000,000 bytes of a record")
	require.Contains(t, c.stderr.String(), file+":4: not sent: ")
	require.Contains(t, c.stderr.String(), file+":6: not sent: 1,200,000 bytes")
	require.Contains(t, c.lastLine(), "accepted 3, delivered 3, not delivered 3 (3 too large)")
}

func TestProduce_TellsLinesThatNeverFitIntoTheBuffer(t *testing.T) {
	broker := newFake(t)
	input := "a\n" + strings.Repeat("x", 999_000) + "\nb\n"
	c := start(t, strings.NewReader(input), produceArgs(broker.addr, "--buffer", "1MiB")...)
	code := c.wait(t)
	if code == exitOK { // the library has found a way to hold it
		require.Len(t, broker.read(t), 3)
		return
	}
	require.Equal(t, exitFailed, code)
	require.Contains(t, c.stderr.String(), "standard input:2: not sent: 999,")
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
}

func TestProduce_FailsWhereAFileCannotBeReadToItsEnd(t *testing.T) {
	broker := newFake(t)
	stdin := io.MultiReader(strings.NewReader("a\nhalf"), failingReader{})
	after := filepath.Join(t.TempDir(), "after")
	require.NoError(t, os.WriteFile(after, []byte("b\n"), 0o600))
	c := start(t, stdin, produceArgs(broker.addr, "-", after)...)
	require.Equal(t, exitFailed, c.wait(t))
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
	require.Contains(t, c.stderr.String(),
		"standard input: not read to its end: the disk is on fire")
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, fmt.Errorf("the disk is on fire") }

func TestProduce_QuietSaysNothingWhenAllIsWell(t *testing.T) {
	broker := newFake(t)
	c := start(t, strings.NewReader("a\n"), produceArgs(broker.addr, "--quiet")...)
	require.Equal(t, exitOK, c.wait(t))
	require.Empty(t, c.stderr.String())
}

func TestProduce_ReadsAPipeAtThePaceOfKafka(t *testing.T) {
	broker := newFake(t)
	var received atomic.Int64 // bytes of batches
	broker.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			for _, p := range topic.Partitions {
				received.Add(int64(len(p.Records)))
			}
		}
		broker.SleepControl(func() { time.Sleep(5 * time.Millisecond) }) // a slow cluster
		return nil, nil, false
	})
	// What was written and not received is in the buffer of 1 MiB, or on its way there: in a Read
	// of 64 KiB, a reader of 64 KiB, and the line in between.
	const lines, size, bound = 10_000, 1000, 1<<20 + 2*64<<10 + 2*1000
	stdin, writer := io.Pipe()
	c := start(t, stdin, produceArgs(broker.addr, "--buffer", "1MiB")...)
	var most int64
	for i := range lines {
		line := fmt.Sprintf("%0*d\n", size-1, i)
		_, err := writer.Write([]byte(line))
		require.NoError(t, err)
		most = max(most, int64(i+1)*size-received.Load())
	}
	require.NoError(t, writer.Close())
	require.Equal(t, exitOK, c.wait(t))
	require.LessOrEqual(t, most, int64(bound))
	got := values(broker.read(t))
	require.Len(t, slices.Compact(got), lines)
	require.Contains(t, c.lastLine(), "accepted 10,000, delivered 10,000")
	require.NotContains(t, c.stderr.String(), "refused", "what waits for room is not lost")
}

func TestProduce_WaitsForBrokersThatAreDownAtTheStart(t *testing.T) {
	t.Parallel()
	port, dir := freePort(t), t.TempDir()
	c := start(t, strings.NewReader("a\nb\n"), produceArgs(fmt.Sprintf("127.0.0.1:%d", port))...)
	c.requireSays(t,
		fmt.Sprintf("cluster connecting: 127.0.0.1:%d: connect: connection refused; 0 "+
			"delivered, 0/s, 2 waiting", port))
	broker := newFake(t, kfake.Ports(port), kfake.DataDir(dir))
	require.Equal(t, exitOK, c.wait(t))
	require.Equal(t, []string{"a", "b"}, values(broker.read(t)))
}

func TestProduce_LosesNothingWhenABrokerComesBackWithItsData(t *testing.T) {
	t.Parallel()
	port, dir := freePort(t), t.TempDir()
	broker := newFake(t, kfake.Ports(port), kfake.DataDir(dir))
	stdin, writer := io.Pipe()
	c := start(t, stdin, produceArgs(broker.addr, "--buffer", "1MiB")...)
	const lines = 20_000
	var want []string
	for i := range lines {
		want = append(want, fmt.Sprintf("%0500d", i))
	}
	written := make(chan error, 1)
	half := make(chan struct{})
	go func() {
		defer writer.Close()
		for i, line := range want {
			if i == lines/2 {
				close(half)
			}
			if _, err := writer.Write([]byte(line + "\n")); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	<-half
	broker.Close()
	broker = newFake(t, kfake.Ports(port), kfake.DataDir(dir))
	require.NoError(t, <-written)
	require.Equal(t, exitOK, c.wait(t))
	require.Equal(t, want, values(broker.read(t)))
}

func TestProduce_GivesUpAfterTheDeliveryTimeout(t *testing.T) {
	t.Parallel()
	c := start(t, strings.NewReader("a\nb\n"),
		produceArgs(fmt.Sprintf("127.0.0.1:%d", freePort(t)), "--delivery-timeout", "1s")...)
	require.Equal(t, exitFailed, c.wait(t))
	require.Contains(t, c.lastLine(),
		"accepted 2, delivered 0, not delivered 2 (2 delivery timeout)")
}

func TestProduce_RejectsWhatIsWrongWithExitCode2(t *testing.T) {
	for name, row := range map[string]struct {
		args []string
		want []string
	}{
		"nothing": {[]string{"produce"},
			[]string{"--brokers: not set: name", "--topic: not set: write"}},
		"unknown command": {[]string{"prduce"}, []string{`unknown command "prduce"`, "produce"}},
		"unknown flag":    {produceArgs("a:1", "--brokerz"), []string{"unknown flag: --brokerz"}},
		"no port": {produceArgs("localhost"),
			[]string{`--brokers[0]: "localhost": missing port`}},
		"priority": {produceArgs("a:1", "--priority", "urgent"),
			[]string{"write low, medium or high"}},
		"compression, acks": {produceArgs("a:1", "--compression", "rar", "--acks", "none"),
			[]string{`--compression: "rar"`, `--acks: "none": write all or leader`}},
		"buffer": {produceArgs("a:1", "--buffer", "1KiB"),
			[]string{"--buffer: 1024: write 1048576 or more"}},
		"buffer unit": {produceArgs("a:1", "--buffer", "much"),
			[]string{"write a size above zero, such as 64MiB"}},
		"buffer comma": {produceArgs("a:1", "--buffer", "1,5GB"),
			[]string{"write a size above zero"}},
		"buffer zero": {produceArgs("a:1", "--buffer", "0"),
			[]string{"write a size above zero"}},
		"linger": {produceArgs("a:1", "--linger", "2m"),
			[]string{"--linger: 2m0s: write a time up to 1m, or 0"}},
		"times": {produceArgs("a:1", "--delivery-timeout", "0", "--close-timeout", "-1s"),
			[]string{"--delivery-timeout: 0s: write a time from 1s to 8760h",
				"--close-timeout: -1s: write 0 or a positive time"}},
		"separator": {produceArgs("a:1", "--key-separator", ""),
			[]string{"--key-separator: empty"}},
		"header": {produceArgs("a:1", "--header", "source"),
			[]string{"--header", "write a name and a value, such as source=import"}},
		"header without a name": {produceArgs("a:1", "--header", "=import"),
			[]string{"write a name and a value"}},
		"rate": {produceArgs("a:1", "--rate", "0"), []string{"--rate: 0: write a number above 0"}},
		"rate NaN": {produceArgs("a:1", "--rate", "NaN"),
			[]string{"--rate: NaN: write a number above 0"}},
		"rate too high": {produceArgs("a:1", "--rate", "Inf"),
			[]string{"--rate: +Inf: write a number above 0 and up to 1e9"}},
		"rate below zero": {produceArgs("a:1", "--rate", "-5"), []string{"--rate: -5: write"}},
		"no file": {produceArgs("a:1", "/no/such/file", os.TempDir()),
			[]string{"cannot read /no/such/file: no such file",
				": it is a directory: name the files in it"}},
		"topic": {[]string{"produce", "--brokers", "a:1", "--topic", "a b"},
			[]string{"the name of the topic has a character other than"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			require.Equal(t, exitUsage, run(t.Context(), row.args, strings.NewReader("a\n"),
				io.Discard, &stderr))
			for _, want := range row.want {
				require.Contains(t, stderr.String(), want)
			}
			require.Contains(t, stderr.String(), "--help")
			require.NotContains(t, stderr.String(), "accepted")
		})
	}
}

func TestRun_HelpNamesEveryExitCode(t *testing.T) {
	var stdout bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"produce", "--help"}, nil, &stdout,
		io.Discard))
	for _, code := range []int{exitOK, exitFailed, exitUsage, exitInterrupted} {
		require.Regexp(t, fmt.Sprintf(`(?m)^  %d +\w`, code), stdout.String())
	}
}
