//go:build unix

package producer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// newestKafka is tested each time; older ones by "make compat".
const newestKafka = "4.4.0"

func TestKafka_Compat_TheNewestTakesEveryCodec(t *testing.T) { compat(t, newestKafka) }

// compat sends records with every codec, with keys and without, with headers and without, to a
// version of Kafka.
func compat(t *testing.T, version string) {
	c := kafkatest.Start(t, kafkatest.Version(version), kafkatest.Heap(256))
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			topic := kafkatest.TopicName(t)
			c.CreateTopic(t, topic, 3)
			core, logs := observer.New(zap.DebugLevel)
			tr := try(t, to(c, func(cfg *producer.Config) { cfg.Batching.Compression = codec }),
				producer.WithLogger(zap.New(core)))
			for i := range 1000 {
				rec := producer.Record{Topic: topic,
					Value: []byte(strings.Repeat(fmt.Sprint("event ", i, ", "), 10))}
				if i%2 == 0 {
					rec.Key = fmt.Append(nil, "key-", i%7)
				}
				if i%3 == 0 {
					rec.Headers = []producer.Header{{Key: "n", Value: fmt.Append(nil, i)}}
				}
				tr.send(t, rec)
				if i%300 == 0 {
					tr.flush(t)
				}
			}
			tr.flush(t)
			s := tr.Stats()
			require.EqualValues(t, 1000, s.Total.Delivered)
			require.Zero(t, s.Total.MaybeDuplicated)
			require.Zero(t, logs.FilterLevelExact(zap.ErrorLevel).Len())
			old := codec == "zstd" && (strings.HasPrefix(version, "1.") ||
				strings.HasPrefix(version, "2.0"))
			require.Equal(t, old,
				logs.FilterMessage("broker does not take the compression: batches go to it "+
					"uncompressed").Len() == 1)
			packed := 0
			for _, r := range tr.settleOnce(t, c, topic) {
				if r.Attrs.CompressionType() != 0 {
					packed++
				}
			}
			require.Equal(t, codec != "none" && !old, packed > 900, "%d records are compressed",
				packed)
		})
	}
}
