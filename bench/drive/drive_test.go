package drive

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/bench/client"
)

func TestRun_DrivesEachClientForASecond(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "events"))
	require.NoError(t, err)
	defer kafka.Close()
	for _, name := range client.Names() {
		t.Run(name, func(t *testing.T) {
			l := &Load{
				Settings: client.Settings{Brokers: kafka.ListenAddrs(),
					Linger: 5 * time.Millisecond, Compression: "lz4", BoundBytes: 16 << 20},
				Topics: []string{"events"}, Partitions: 3, Values: "100B",
				PerSecond: 2000, For: time.Second, Warm: 100, Finish: 10 * time.Second, Timed: true, Instances: 2,
				Journal: filepath.Join(t.TempDir(), "journal"),
			}
			var out bytes.Buffer
			r := Run(name, l, strings.NewReader("go\n"), &out)
			if strings.Contains(r.Error, client.ErrLeftOut.Error()) {
				t.Skip(r.Error)
			}
			require.Empty(t, r.Error)
			require.Equal(t, Ready+"\n", out.String())
			require.Empty(t, r.Unfinished, "the longest call took %v", time.Duration(r.Latency.Max))
			require.True(t, r.Finished)
			require.EqualValues(t, 2000, r.Due)
			require.Equal(t, r.Calls, r.Latency.Count())
			require.Equal(t, client.Counts{Delivered: r.Accepted}, r.Counts)
			require.Positive(t, r.CPUNanos)

			entries, err := ReadJournal(l.Journal)
			require.NoError(t, err)
			delivered := int64(0)
			for _, e := range entries {
				if e.Sent != 0 {
					require.GreaterOrEqual(t, e.Done, e.Sent)
					delivered++
				}
			}
			require.Equal(t, r.Accepted, delivered)

			text, err := json.Marshal(r)
			require.NoError(t, err)
			read := new(Result)
			require.NoError(t, json.Unmarshal(text, read))
			require.Equal(t, r, read)
		})
	}
}

func TestRun_SaysWhyAClientCannotBeMade(t *testing.T) {
	l := &Load{Values: "100B", Settings: client.Settings{Brokers: []string{"127.0.0.1:1"}}}
	require.Contains(t, Run("nobody", l, strings.NewReader("\n"), new(bytes.Buffer)).Error,
		"nobody")
}
