package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/cmd/forebay/internal/capture"
)

// seen is a record without what a replay changes.
type seen struct {
	key, value string // "null", or what it is in quotes
	headers    []string
	partition  int32
}

func seenOf(r *kgo.Record) seen {
	say := func(b []byte) string {
		if b == nil {
			return "null"
		}
		return fmt.Sprintf("%q", b)
	}
	s := seen{key: say(r.Key), value: say(r.Value), partition: r.Partition}
	for _, h := range r.Headers {
		if h.Key != capture.TimeHeader && h.Key != "forebay-audit" {
			s.headers = append(s.headers, h.Key+"="+say(h.Value))
		}
	}
	return s
}

// of returns the records of another topic, by partition and offset.
func (f *fake) of(t *testing.T, name string) []*kgo.Record {
	client, err := kgo.NewClient(kgo.SeedBrokers(f.addr))
	require.NoError(t, err)
	defer client.Close()
	source, err := capture.NewSource(t.Context(), client, []string{name}, capture.Earliest,
		capture.Latest)
	require.NoError(t, err)
	var all []*kgo.Record
	for {
		rec, err := source.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		all = append(all, rec)
	}
	slices.SortStableFunc(all, func(a, b *kgo.Record) int { return int(a.Partition - b.Partition) })
	return all
}

// byKey returns the values of each key in their order; records without a key, which have none,
// sorted.
func byKey(records []*kgo.Record) map[string][]string {
	all := make(map[string][]string)
	for _, r := range records {
		s := seenOf(r)
		all[s.key] = append(all[s.key], fmt.Sprint(s.value, s.headers))
	}
	slices.Sort(all["null"])
	return all
}

func TestAuditReplay_SendsExactlyWhatWasRecorded(t *testing.T) {
	broker := newFake(t, kfake.SeedTopics(5, "copy"), kfake.SeedTopics(3, "twin"))
	broker.fill(t, 200)
	settings, file := broker.recorded(t)
	want := broker.read(t)

	began := time.Now().Truncate(time.Millisecond)
	out, _ := forebay(t, 0, "audit", "replay", "--speed", "max", "--map", topic+"=copy", settings, file)
	require.Contains(t, out, "read 200, sent 200, delivered 200, lost 0, in ")
	got := broker.of(t, "copy")
	require.Equal(t, byKey(want), byKey(got))
	for _, r := range got {
		require.WithinRange(t, r.Timestamp, began, time.Now())
	}

	out, _ = forebay(t, 0, "audit", "replay", "--speed", "20", "--keep-partitions", "--map",
		topic+"=twin", settings, file)
	require.Regexp(t, `read 200, sent 200, delivered 200, lost 0, in \d\.\ds, at most \S+ late`, out)
	got = broker.of(t, "twin")
	require.Len(t, got, len(want))
	for i, r := range got {
		require.Equal(t, seenOf(want[i]), seenOf(r))
		last := r.Headers[len(r.Headers)-1]
		require.Equal(t, capture.TimeHeader, last.Key)
		require.Equal(t, want[i].Timestamp.UTC().Format(time.RFC3339Nano), string(last.Value))
		require.False(t, slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool {
			return h.Key == "forebay-audit"
		}))
	}
}

func TestAuditReplay_KeepsTheTimesBetweenRecords(t *testing.T) {
	broker := newFake(t)
	broker.fill(t, 400)
	settings, file := broker.recorded(t)
	began := time.Now()
	forebay(t, 0, "audit", "replay", settings, file)
	require.GreaterOrEqual(t, time.Since(began), 399*time.Millisecond)
}

func TestAuditReplay_LosesNothingAtFullSpeedThoughTheBufferIsSmall(t *testing.T) {
	broker := newFake(t, kfake.SeedTopics(3, "copy"))
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.addr))
	require.NoError(t, err)
	defer client.Close()
	for i := range 6000 {
		name := topic
		if i%2 == 0 {
			name = "copy"
		}
		client.Produce(t.Context(), &kgo.Record{Topic: name, Value: bytes.Repeat([]byte("x"), 1000),
			Timestamp: time.Now()}, nil)
	}
	require.NoError(t, client.Flush(t.Context()))
	settings := settingsFile(t, fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\n"+
		"buffer: {max_bytes: 1048576}\nbatching: {max_bytes: 65536, max_record_bytes: 65536}\n"+
		"topics: [{topic: copy, priority: high}, {topic: lines, priority: low}]\n"+
		"priorities: {high: {when_full: drop_oldest}, low: {when_full: drop_oldest}}\n", broker.addr))
	file := filepath.Join(t.TempDir(), "both.zst")
	forebay(t, 0, "audit", "record", "--topic", topic+",copy", "--output", file, settings)
	out, _ := forebay(t, 0, "audit", "replay", "--speed", "max", settings, file)
	require.Contains(t, out, "read 6,000, sent 6,000, delivered 6,000, lost 0, in ")
}

func TestAuditReplay_SaysWhatWasLostAndWhy(t *testing.T) {
	broker := newFake(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.addr))
	require.NoError(t, err)
	defer client.Close()
	for _, size := range []int{10, 100_000} {
		require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: topic,
			Value: make([]byte, size)}).FirstErr())
	}
	_, file := broker.recorded(t)
	small := settingsFile(t, fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\n"+
		"batching: {max_bytes: 65536, max_record_bytes: 65536}\n", broker.addr))
	out, _ := forebay(t, exitFaulty, "audit", "replay", "--speed", "max", small, file)
	require.Contains(t, out, "read 2, sent 1, delivered 1, lost 1 (1 record too large), in ")
}

func TestAuditReplay_SaysWhatWasSentOfADamagedCapture(t *testing.T) {
	broker := newFake(t)
	broker.fill(t, 30)
	settings, file := broker.recorded(t)
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for n := range whole {
		_, err := readAll(whole[:n])
		require.NotEqual(t, io.EOF, err, n)
		if n >= 4 { // with less, nobody knows that it is zstd
			require.ErrorContains(t, err, "the zstd data is truncated", n)
		}
	}
	count, err := readAll(whole)
	require.Equal(t, io.EOF, err)
	require.Equal(t, 30, count)

	plain := unpacked(t, whole)
	lines := strings.SplitAfter(plain, "\n")
	for says, text := range map[string]string{
		"line 12: the capture is truncated":         strings.Join(lines[:11], ""),
		"line 12: it is no record of a capture: it": strings.Join(lines[:11], "") + lines[11][:20],
	} {
		damaged := filepath.Join(t.TempDir(), "damaged")
		require.NoError(t, os.WriteFile(damaged, []byte(text), 0o600))
		out, stderr := forebay(t, 1, "audit", "replay", "--speed", "max", settings, damaged)
		require.Contains(t, out, "read 10, sent 10, delivered 10, lost 0, in ")
		require.Contains(t, stderr, damaged+": "+says)
	}
}

// readAll returns how many records of a compressed capture can be read, and why no more.
func readAll(text []byte) (records int, err error) {
	reader, free, err := openCapture(bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	defer free()
	for {
		if _, err := reader.Next(); err != nil {
			return records, err
		}
		records++
	}
}

func TestAuditReplay_EndsInOrderWhenInterrupted(t *testing.T) {
	survive(t)
	broker := newFake(t)
	broker.fill(t, 3)
	settings, file := broker.recorded(t)
	text := unpacked(t, must(os.ReadFile(file)))
	slow := filepath.Join(t.TempDir(), "slow")
	require.NoError(t, os.WriteFile(slow, []byte(strings.Replace(text, `"ms":2,`, `"ms":3600000,`, 1)),
		0o600))
	arrived, release := broker.hold()
	c := start(t, nil, "audit", "replay", settings, slow)
	<-arrived
	interrupt(t)
	c.requireSays(t, "interrupted: waiting up to 30s for 2 undelivered records")
	release()
	require.Equal(t, exitInterrupted, c.wait(t))
	require.Len(t, broker.read(t), 5)
}

func TestAuditReplay_GivesUpAtOnceWhenInterruptedTwice(t *testing.T) {
	survive(t)
	broker := newFake(t)
	broker.fill(t, 3)
	settings, file := broker.recorded(t)
	arrived := broker.swallow()
	c := start(t, nil, "audit", "replay", "--speed", "max", settings, file)
	<-arrived
	interrupt(t)
	c.requireSays(t, "interrupted: waiting up to 30s")
	time.Sleep(echo) // sooner, it would count as the same signal
	interrupt(t)
	require.Equal(t, exitFaulty, c.wait(t), "the capture was read to its end")
}

func TestAuditReplay_SaysWhatIsWrong(t *testing.T) {
	broker := newFake(t)
	broker.fill(t, 1)
	settings, file := broker.recorded(t)
	for _, row := range []struct {
		code int
		says string
		args []string
	}{
		{2, "1 file names given: name one settings file and one capture", []string{settings}},
		{2, `--speed: "fast": write a number above 0 and up to 1000000, such as 1 or 2.5, or max`, []string{"--speed", "fast", settings, file}},
		{2, `--map: lines=a/b: the name of the topic has a character other than`, []string{"--map", "lines=a/b", settings, file}},
		{2, `--map: "line" is not among the topics of the capture: write lines`, []string{"--map", "line=a", settings, file}},
		{1, `cluster kafka: topic nope: `, []string{"--map", "lines=nope", settings, file}},
		{1, "line 1: it is not the header of a capture: name a file", []string{settings, settings}},
		{1, "nothing.zst: no such file", []string{settings, "nothing.zst"}},
	} {
		_, stderr := forebay(t, row.code, append([]string{"audit", "replay"}, row.args...)...)
		require.Contains(t, stderr, row.says)
	}
}

func TestAuditReplay_TakesAnEmptyCaptureAndOneThatWasInterrupted(t *testing.T) {
	broker := newFake(t)
	settings, file := broker.recorded(t)
	out, said := forebay(t, 0, "audit", "replay", settings, file)
	require.Contains(t, out, "read 0, sent 0, delivered 0, lost 0, in ")
	require.Empty(t, said)

	text := unpacked(t, must(os.ReadFile(file)))
	part := filepath.Join(t.TempDir(), "part")
	require.NoError(t, os.WriteFile(part, []byte(strings.Replace(text, "true", "false", 1)), 0o600))
	_, said = forebay(t, 0, "audit", "replay", settings, part)
	require.Contains(t, said, "the capture is not of a whole range: recording was interrupted")
}
