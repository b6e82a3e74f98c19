package cluster

import (
	"reflect"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// decoded returns the answer that body is, if it is one that gets as far as kmsg.
func decoded(key kmsg.Key, version int16, body []byte) kmsg.Response {
	if version < 0 || version > shapes[key].last || len(body) < 5 || !sensible(key, version, body) {
		return nil
	}
	resp := kmsg.ResponseForKey(int16(key))
	resp.SetVersion(version)
	rest := body[4:]
	switch {
	case key == kmsg.ApiVersions && len(rest) > 1 && rest[1] == 35:
		resp.SetVersion(0)
	case key != kmsg.ApiVersions && resp.IsFlexible():
		k := skimmer{src: rest, flexible: true}
		k.tags(nil)
		rest = k.src
	}
	if resp.ReadFrom(rest) != nil {
		return nil
	}
	return resp
}

// seeds adds the answers to requests of key, in every version, with nothing in them and with
// everything.
func seeds(f *testing.F, key kmsg.Key, add func(version int16, body []byte)) {
	for version := range shapes[key].last + 1 {
		for _, full := range []bool{false, true} {
			resp := kmsg.ResponseForKey(int16(key))
			if full {
				fill(reflect.ValueOf(resp).Elem())
			}
			resp.SetVersion(version)
			add(version, answered(resp))
		}
	}
}

// What passes is decoded in memory that is in proportion to it, and soon.
func FuzzSensible(f *testing.F) {
	for key := range shapes {
		seeds(f, key, func(version int16, body []byte) { f.Add(int16(key), version, body) })
	}
	f.Add(int16(kmsg.ApiVersions), int16(3), []byte{0, 0, 0, 1, 0, 0, 2, 0, 18, 0, 0, 0, 5, 0xff,
		0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		if _, ok := shapes[kmsg.Key(key)]; !ok {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		decoded(kmsg.Key(key), version, body)
		runtime.ReadMemStats(&after)
		require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20+512*len(body)))
	})
}

// Whatever a broker answers to a produce request, each attempt learns something that makes sense.
func FuzzProduceAnswer(f *testing.F) {
	seeds(f, kmsg.Produce, func(version int16, body []byte) { f.Add(version, body) })
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		resp := decoded(kmsg.Produce, version, body)
		if resp == nil {
			return
		}
		attempts := append(testAttempts(), &Attempt{Topic: "some words", Partition: 7, Records: 8})
		for _, a := range attempts {
			a.Answer = Answer{Fate: Unresolved, Offset: -1, Leader: -1}
		}
		read(resp.(*kmsg.ProduceResponse), attempts)
		for _, a := range attempts {
			require.True(t, a.Fate == Answered || a.Err != nil)
			require.GreaterOrEqual(t, a.Offset, int64(-1))
			require.LessOrEqual(t, len(a.Text), maxText+3)
			for _, n := range a.Bad {
				require.True(t, n >= 0 && n < a.Records)
			}
			a.Action(true)
			a.Action(false)
		}
	})
}

// Whatever a broker says of its cluster, the view is one that can be worked with, and no larger
// than what was said.
func FuzzMetadataMerge(f *testing.F) {
	seeds(f, kmsg.Metadata, func(version int16, body []byte) {
		f.Add(version, body, version, body)
	})
	f.Fuzz(func(t *testing.T, version int16, body []byte, thenVersion int16, then []byte) {
		wanted := map[string]int{"some words": 1, "a": 1}
		v := &View{}
		for _, resp := range []kmsg.Response{decoded(kmsg.Metadata, version, body),
			decoded(kmsg.Metadata, thenVersion, then)} {
			m, ok := resp.(*kmsg.MetadataResponse)
			if !ok {
				return
			}
			said, had := 0, 0
			for i := range m.Topics {
				said = max(said, len(m.Topics[i].Partitions))
			}
			for _, topic := range v.Topics {
				had = max(had, len(topic.Partitions))
			}
			v = v.merge(m, wanted)
			for id := range v.Brokers {
				require.GreaterOrEqual(t, id, int32(0))
			}
			for name, topic := range v.Topics {
				require.Contains(t, wanted, name)
				require.LessOrEqual(t, len(topic.Partitions), max(said, had))
				topic.settled(func(node int32) bool { return v.Brokers[node].Addr != "" })
			}
		}
	})
}
