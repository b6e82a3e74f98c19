package producer

import (
	"cmp"
	"fmt"
	"path"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/probe"
	"github.com/forebay-go/forebay/routing"
)

// topics fills in the priorities of the entries of Topics, checks what rules of routing do not say,
// and returns the table of those rules. The rest of cfg is complete.
func (c *checker) topics(cfg *Config) *routing.Table {
	for i := range cfg.Topics {
		c.topic(fmt.Sprintf("topics[%d]", i), &cfg.Topics[i], cfg)
		c.priorityGiven(cfg.Topics, i)
	}
	rules := cfg.Rules()
	for i, r := range rules {
		cfg.Topics[i].Priority = r.Priority
	}
	table, err := routing.NewTable(rules)
	if err != nil {
		c.errs = append(c.errs, err)
	}
	return table
}

func (c *checker) topic(field string, t *TopicConfig, cfg *Config) {
	if t.Linger < 0 && t.Linger != NoLinger || t.Linger > time.Minute {
		c.fail(field+".linger",
			"%v: write a time up to 1m, -1 for none, or leave it out for batching.linger", t.Linger)
	}
	if d := t.DeliveryTimeout; d != 0 && (d < time.Second || d > longest) {
		c.fail(field+".delivery_timeout", "%v: write 1s to %s, or 0 for that of the priority", d,
			aYear)
	}
	switch n, most := t.MaxBatchBytes, cfg.Buffer.MaxBytes/4; {
	case n != 0 && (n < leastBatch || n > mostBatch):
		c.fail(field+".max_batch_bytes",
			"%d: write 1024 to 16777216, or 0 for batching.max_bytes", n)
	case int64(n) > most:
		c.fail(field+".max_batch_bytes", "%d: write %d or less, a quarter of buffer.max_bytes, or "+
			"raise that", n, most)
	}
	if t.Acks != "" {
		c.acks(field+".acks", &t.Acks)
	}
	if t.Compression != "" {
		c.codec(field+".compression", &t.Compression)
	}
	c.level(field, cmp.Or(t.Compression, cfg.Batching.Compression), t.CompressionLevel)
}

// priorityGiven checks that entry i has a priority, if its topics would have another one than
// medium without it: it decides alone, so they would lose that.
func (c *checker) priorityGiven(all []TopicConfig, i int) {
	t := &all[i]
	if t.Priority != routing.Unset {
		return
	}
	for j, other := range all {
		matches, err := path.Match(other.Topic, t.Topic)
		if j == i || err != nil || !matches || other.Topic == t.Topic ||
			j < i && probe.IsPattern(t.Topic) { // this entry does not decide
			continue
		}
		if p := other.Priority; p != routing.Unset && p != routing.Medium {
			c.fail(fmt.Sprintf("topics[%d].priority", i),
				"empty, which is medium, but topics[%d] (%q) gives %q %v: one entry decides "+
					"alone, so write low, medium or high here too", j, other.Topic, t.Topic, p)
		}
		return
	}
}

// The sizes that a full batch may have, in bytes.
const (
	leastBatch = 1 << 10
	mostBatch  = 16 << 20
)

// codec checks the name of a compression.
func (c *checker) codec(field string, name *string) {
	c.oneOf(field, name, "none", "gzip", "snappy", "lz4", "zstd")
}

// level checks the level of a compression, which has been checked, in the settings at field.
func (c *checker) level(field, codec string, level int) {
	most, has := buffer.Levels[codec]
	switch {
	case level == 0:
	case !has && (codec == "none" || codec == "snappy"):
		c.fail(field+".compression_level",
			"%d: %s has no levels: remove it, or set the compression to gzip, lz4 or zstd", level,
			codec)
	case has && (level < 0 || level > most):
		c.fail(field+".compression_level", "%d: write 1 to %d for %s, or 0 for its default", level,
			most, codec)
	}
}

// acksLeader is the value of Acks for that of the leader alone.
const acksLeader = "leader"

// acks checks who must have a record, and writes it as we do where it is written as in Kafka's own
// settings.
func (c *checker) acks(field string, acks *string) {
	if meant, ok := map[string]string{"-1": "all", "1": acksLeader}[*acks]; ok {
		*acks = meant
	}
	if *acks == "0" || *acks == "none" {
		c.fail(field, "%q: write all or leader: without an acknowledgement nothing is known to be "+
			"delivered", *acks)
		return
	}
	c.oneOf(field, acks, "all", acksLeader)
}
