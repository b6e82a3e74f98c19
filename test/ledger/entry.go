package ledger

import (
	"encoding/binary"
	"hash/crc32"
	"hash/maphash"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// entry is one call of Send, in 48 bytes, so that a day's records can be judged at once.
type entry struct {
	sum    uint64 // digest of what was sent
	offset int64  // where its report says that it is, -1 if that does not know
	read   int64  // the offset of where it was read first

	size      uint32 // of its value, in bytes
	before    uint32 // when Send was called, in milliseconds from the ledger's birth
	partition int32  // where its report says that it is; before that, the one that it was sent to
	readIn    int32  // the partition of where it was read first

	took    uint16 // how long Send took, in milliseconds
	topic   uint16 // index into the ledger's topics
	outcome producer.Outcome
	reason  producer.Reason
	reports uint8 // as many as were counted, 255 at most
	flags   flag
}

type flag uint8

const (
	returned   flag = 1 << iota // from Send
	accepted                    // by Send
	stamped                     // with a time of its own
	explicit                    // was sent to a partition by number
	maybeTwice                  // was reported as maybe duplicated
	found                       // in the log
	ordered                     // its place in the log was compared with the others of its key
)

func (e *entry) is(f flag) bool { return e.flags&f != 0 }

// chunkEntries is how many entries are allocated at a time; growing copies none.
const chunkEntries = 4096

// entries is a list of entries by tag.
type entries struct {
	chunks [][]entry
	n      uint64
}

func (l *entries) add(e entry) (tag uint64) {
	if l.n%chunkEntries == 0 {
		l.chunks = append(l.chunks, make([]entry, 0, chunkEntries))
	}
	last := &l.chunks[len(l.chunks)-1]
	*last = append(*last, e)
	l.n++
	return l.n - 1
}

// at returns the entry of a tag, nil if there is none.
func (l *entries) at(tag uint64) *entry {
	if tag >= l.n {
		return nil
	}
	return &l.chunks[tag/chunkEntries][tag%chunkEntries]
}

// identity is what the value of a record begins with: its tag and a checksum of all that follows.
const identity = 12

// identify writes the identity of a record at the beginning of its value.
func identify(value []byte, tag uint64) {
	binary.BigEndian.PutUint64(value, tag)
	binary.BigEndian.PutUint32(value[8:], crc32.ChecksumIEEE(value[identity:]))
}

// identified returns the tag that value begins with, if value is whole.
func identified(value []byte) (tag uint64, whole bool) {
	if len(value) < identity {
		return 0, false
	}
	return binary.BigEndian.Uint64(value),
		crc32.ChecksumIEEE(value[identity:]) == binary.BigEndian.Uint32(value[8:])
}

// content is what a record carries beside its value, whoever holds it.
type content struct {
	topic   string
	key     []byte
	headers []producer.Header
	at      time.Time
}

func sentContent(r *producer.Record) content {
	return content{r.Topic, r.Key, r.Headers, r.Timestamp}
}

func readContent(r *kgo.Record) content {
	c := content{topic: r.Topic, key: r.Key, at: r.Timestamp}
	for _, h := range r.Headers {
		c.headers = append(c.headers, producer.Header(h))
	}
	return c
}

// digest sums c up, its time only if it was stamped; null and empty are not the same.
func (c *content) digest(seed maphash.Seed, stamped bool) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	write := func(n int, null bool) {
		if null {
			n = -1
		}
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		_, _ = h.Write(b[:])
	}
	write(len(c.topic), false)
	_, _ = h.WriteString(c.topic)
	write(len(c.key), c.key == nil)
	_, _ = h.Write(c.key)
	write(len(c.headers), false)
	for i := range c.headers {
		write(len(c.headers[i].Key), false)
		_, _ = h.WriteString(c.headers[i].Key)
		write(len(c.headers[i].Value), c.headers[i].Value == nil)
		_, _ = h.Write(c.headers[i].Value)
	}
	if stamped {
		write(int(c.at.UnixMilli()), false)
	}
	return h.Sum64()
}
