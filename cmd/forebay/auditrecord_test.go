package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAuditRecord_WritesARangeAndNothingElse(t *testing.T) {
	broker := newFake(t)
	broker.fill(t, 10)
	settings, file := broker.recorded(t)
	require.Equal(t, 12, strings.Count(unpacked(t, must(os.ReadFile(file))), "\n"))

	out, said := forebay(t, 0, "audit", "record", "--topic", topic, "--output", "-", settings)
	require.Equal(t, 12, strings.Count(unpacked(t, []byte(out)), "\n"))
	require.Contains(t, said, "recorded 10 records from 3 partitions, in ")

	out, said = forebay(t, 0, "audit", "record", "--topic", topic, "--from", "30m", "--output", "-",
		settings)
	require.Contains(t, said, "recorded 0 records from 0 partitions, in ")
	require.Equal(t, 2, strings.Count(unpacked(t, []byte(out)), "\n"))
}

func TestAuditRecord_WorksWithAnAuditFileToo(t *testing.T) {
	broker := newFake(t)
	path := auditing(t, []string{broker.addr}, "  role: both\n  rol: typo")
	_, said := forebay(t, 0, "audit", "record", "--topic", topic, "--output", "-", path)
	require.Contains(t, said, "recorded 0 records")
}

func TestAuditRecord_SaysWhatIsWrong(t *testing.T) {
	broker := newFake(t)
	settings, file := broker.recorded(t)
	for _, row := range []struct {
		code int
		says string
		args []string
	}{
		{2, "--topic: not set: name the topics to record\n--output: not set", []string{settings}},
		{2, `--from: "noon": write earliest, latest, a time such as`, []string{"--topic", topic, "--output", "-", "--from", "noon", settings}},
		{2, `--from: 1h is after --to 2h: exchange them`, []string{"--topic", topic, "--output", "-", "--from", "1h", "--to", "2h", settings}},
		{2, `--cluster: there is no cluster "x": write one of kafka`, []string{"--topic", topic, "--output", "-", "--cluster", "x", settings}},
		{1, `--topic: topic "nope" does not exist: write one that does`, []string{"--topic", "nope", "--output", "-", settings}},
		{1, "--output: " + file + " exists: write another name, or remove it", []string{"--topic", topic, "--output", file, settings}},
		{1, "bufer: unknown setting", []string{"--topic", topic, "--output", "-", settingsFile(t, "bufer: 1\n")}},
	} {
		out, stderr := forebay(t, row.code, append([]string{"audit", "record"}, row.args...)...)
		require.Contains(t, stderr, row.says)
		require.Empty(t, out)
	}
}

func TestAuditRecord_LeavesACaptureThatCanBeReplayedWhenInterrupted(t *testing.T) {
	survive(t)
	broker := newFake(t)
	broker.fill(t, 10)
	settings, _ := broker.recorded(t)
	file := filepath.Join(t.TempDir(), "part.zst")
	arrived := make(chan struct{}, 1)
	broker.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		select {
		case arrived <- struct{}{}:
		default:
		}
		return nil, nil, true
	})
	c := start(t, nil, "audit", "record", "--topic", topic, "--output", file, settings)
	select {
	case <-arrived:
	case <-time.After(patience):
		require.FailNow(t, "it does not read")
	}
	interrupt(t)
	require.Equal(t, exitInterrupted, c.wait(t))
	require.Contains(t, c.lastLine(), "recorded 0 records from 3 partitions, in ")
	require.Contains(t, c.lastLine(), "interrupted before the end of the range")
	require.Contains(t, unpacked(t, must(os.ReadFile(file))), `{"records":0,"complete":false}`)
}

func TestAuditRecord_SaysWhatKafkaDeletedBeforeItWasRead(t *testing.T) {
	broker := newFake(t, kfake.SeedTopics(1, "one"))
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.addr))
	require.NoError(t, err)
	defer client.Close()
	for range 5 {
		require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: "one"}).FirstErr())
	}
	settings, _ := broker.recorded(t)
	broker.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.DropControl()
		broker.SleepControl(func() {
			upto := make(kadm.Offsets)
			upto.AddOffset("one", 0, 3, -1)
			_, err := kadm.NewClient(client).DeleteRecords(t.Context(), upto)
			require.NoError(t, err)
		})
		return nil, nil, false
	})
	out, said := forebay(t, exitFaulty, "audit", "record", "--topic", "one", "--output", "-", settings)
	require.Contains(t, unpacked(t, []byte(out)), `{"records":2,"complete":true}`)
	require.Contains(t, said, "recorded 2 records from 1 partition, in ")
	require.Contains(t, said, "not recorded: 3 offsets that Kafka deleted before they could be read")
}
