package probe

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/preflight"
)

// describe notes the facts about an existing topic.
func (t *topic) describe(is *kmsg.MetadataResponseTopic) {
	replicas, inSync := math.MaxInt, math.MaxInt
	for _, p := range is.Partitions { // at least one
		replicas, inSync = min(replicas, len(p.Replicas)), min(inSync, len(p.ISR))
	}
	t.facts = preflight.Topic{
		Partitions:      len(is.Partitions),
		Replicas:        replicas,
		InSync:          inSync,
		MinInSync:       int(t.settings[minInSync]),
		MaxMessageBytes: int(t.settings[maxMessageBytes]),
		Retention:       FromMillis(t.settings[retention]),
	}
}

// FromMillis returns the retention that a value of retention.ms means: negative for forever, and
// for centuries.
func FromMillis(ms int64) time.Duration {
	if ms < 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		return -1
	}
	return time.Duration(ms) * time.Millisecond
}

func (t *topic) leaders(is *kmsg.MetadataResponseTopic) {
	without := 0
	for _, p := range is.Partitions {
		if p.Leader < 0 {
			without++
		}
	}
	if without > 0 {
		t.add(preflight.Leaders, preflight.Problem, "%d of %d partitions have no leader: start "+
			"the brokers that have their replicas", without, len(is.Partitions))
		return
	}
	t.add(preflight.Exists, preflight.OK, "exists, %s",
		plural(len(is.Partitions), "partition", "partitions"))
}

// notReported is what brokers before Kafka 2.3 say about operations.
const notReported = math.MinInt32

func (t *topic) permission(ops int32) {
	switch {
	case ops == notReported:
		t.add(preflight.Write, preflight.Warning,
			"the broker does not report whether writing is permitted")
	case ops&(1<<kmsg.ACLOperationWrite|1<<kmsg.ACLOperationAll) != 0:
		t.add(preflight.Write, preflight.OK, "writing is permitted")
	default:
		t.add(preflight.Write, preflight.Problem,
			"no permission to write: add an ACL that allows WRITE")
	}
}

// replicas checks that acks: all can be had, now and while a broker is down.
func (t *topic) replicas(is *kmsg.MetadataResponseTopic) {
	judged := Copies{Replicas: t.facts.Replicas, MinInSync: t.facts.MinInSync,
		AcksAll: !t.LeaderAcks}.Judge()
	short := 0
	for _, p := range is.Partitions {
		if p.Leader >= 0 && len(p.ISR) < t.facts.MinInSync {
			short++
		}
	}
	if short > 0 && !t.LeaderAcks && judged.Level < preflight.Problem {
		t.add(preflight.Replicas, preflight.Problem, "%d of %d partitions have fewer replicas in "+
			"sync than min.insync.replicas (%d): no record can be written to them with acks: all: "+
			"start the brokers that are down", short, len(is.Partitions), t.facts.MinInSync)
		return
	}
	t.findings = append(t.findings, judged)
}

// Copies are what counts of the replicas of a topic.
type Copies struct {
	Replicas  int // of the partition with the fewest
	MinInSync int // min.insync.replicas; 0: not known
	AcksAll   bool
}

// Judge says whether there are enough replicas.
func (c Copies) Judge() preflight.Finding {
	f := preflight.Finding{Check: preflight.Replicas,
		Text: plural(c.Replicas, "replica", "replicas")}
	switch {
	case !c.AcksAll:
	case c.MinInSync > c.Replicas:
		f.Level = preflight.Problem
		f.Text += ", but min.insync.replicas is " + strconv.Itoa(c.MinInSync) +
			": no record can be written with acks: all"
	case c.MinInSync == c.Replicas && c.MinInSync > 1:
		f.Level = preflight.Warning
		f.Text += ", and min.insync.replicas is the same: no record can be written while a " +
			"broker is down"
	}
	return f
}

func (t *topic) sizes() {
	limit, known := t.settings[maxMessageBytes]
	batch, record := int64(t.BatchBytes), int64(t.cluster.RecordBytes)
	setting := "batching.max_bytes"
	if t.BatchBytes != t.cluster.BatchBytes {
		setting = "max_batch_bytes of the topic"
	}
	switch {
	case !known && t.denied:
		t.add(preflight.Size, preflight.Warning, "no permission to read max.message.bytes: add an "+
			"ACL that allows DESCRIBE_CONFIGS, or see to it that batches of %s bytes are accepted",
			commas(batch))
	case !known:
		t.add(preflight.Size, preflight.Warning, "the broker does not report max.message.bytes")
	case limit < record:
		t.add(preflight.Size, preflight.Warning,
			"max.message.bytes is %s: larger records are rejected, but "+
				"batching.max_record_bytes allows %s", commas(limit), commas(record))
	case limit < batch:
		t.add(preflight.Size, preflight.Warning,
			"max.message.bytes is %s: batches of %s (%s) are halved until they fit",
			commas(limit), setting, commas(batch))
	default:
		t.add(preflight.Size, preflight.OK, "max.message.bytes is %s", commas(limit))
	}
}

// plural returns "1 replica" or "2 replicas".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// commas returns n with a comma before each three digits.
func commas(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// listed returns the first few names, and how many more there are.
func listed(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
}
