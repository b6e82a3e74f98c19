package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What is wrong with topics that exist is said, with what to write. Only what breaks the audit is an
// error.
func TestAuditInit_ChecksTopicsThatExist(t *testing.T) {
	for _, row := range []struct {
		name, topic string
		settings    map[string]string
		code        int
		said        []string
	}{
		{"statements of a plain topic", "forebay-audit", map[string]string{"retention.ms": "3600000"}, 1, []string{
			`error: forebay-audit: cleanup.policy: "delete": every version of each statement stays, and all are read at each start: write compact,delete`,
			`warning: forebay-audit: retention.ms: "3600000": statements are deleted after 1h0m0s, and a report is of the last 48h0m0s: write 259200000`,
			`warning: forebay-audit: message.timestamp.type: "CreateTime": the clocks of the instances decide when statements are deleted, and who is silent: write LogAppendTime`,
		}},
		{"statements with drawbacks", "forebay-audit", map[string]string{"cleanup.policy": "compact", "retention.ms": "259200000"}, 0, []string{
			`warning: forebay-audit: cleanup.policy: "compact": statements are never deleted, so the topic grows for ever: write compact,delete`,
		}},
		{"statements that are deleted at once", "forebay-audit", map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "60000"}, 1, []string{
			`error: forebay-audit: retention.ms: "60000": statements are deleted while they are needed: write 259200000`,
		}},
		{"small statements, few replicas", "forebay-audit", map[string]string{"cleanup.policy": "compact,delete", "max.message.bytes": "1000", "min.insync.replicas": "2"}, 1, []string{
			`error: forebay-audit: max.message.bytes: "1000": statements are larger: write at least 65536`,
			`error: forebay-audit: min.insync.replicas: "2": nothing can be written: partitions have 1 replicas: write at most 1`,
		}},
		{"heartbeats", "forebay-heartbeat", map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"}, 1, []string{
			`error: forebay-heartbeat: cleanup.policy: "compact": heartbeats have no keys, so a compacted topic refuses them: write delete`,
			`warning: forebay-heartbeat: retention.ms: "-1": heartbeats pile up, and nobody reads old ones: write 3600000`,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			broker := newFake(t)
			client, err := kgo.NewClient(kgo.SeedBrokers(broker.addr))
			require.NoError(t, err)
			defer client.Close()
			settings := make(map[string]*string)
			for name, value := range row.settings {
				settings[name] = &value
			}
			_, err = kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, settings, row.topic)
			require.NoError(t, err)
			path := auditing(t, []string{broker.addr}, "  role: consume\n  topics: ["+topic+", nowhere]\n  heartbeat: {}")
			for range 2 { // it changes nothing, and a second call finds the same
				var out, stderr bytes.Buffer
				code := run(t.Context(), []string{"audit", "init", path}, nil, &out, &stderr)
				require.Equal(t, row.code, code, "%s\n%s", &out, &stderr)
				for _, text := range row.said {
					require.Contains(t, stderr.String(), text+"\n")
				}
				require.Contains(t, stderr.String(), `warning: topic "nowhere" (records to read) does not exist: `+
					"create it, or take it out of topics\n")
				require.NotContains(t, stderr.String(), `topic "`+topic+`"`)
			}
		})
	}
}
