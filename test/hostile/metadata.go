package hostile

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Hole is the host at which nobody answers a dial.
const Hole = "hole"

// metadata returns what a broker may say of its cluster.
func metadata() []Mutation {
	all := slices.Concat(namedBrokers(), namedTopics(), namedPartitions())
	for i := range all {
		all[i].Fault, all[i].Keys = Metadata, []kmsg.Key{kmsg.Metadata}
	}
	return all
}

func lie(name string, fn func(r *rand.Rand, m *kmsg.MetadataResponse)) Mutation {
	return Mutation{Name: name, resp: func(r *rand.Rand, resp kmsg.Response) {
		fn(r, resp.(*kmsg.MetadataResponse))
	}}
}

func lieOfTopics(name string, fn func(r *rand.Rand, t *kmsg.MetadataResponseTopic)) Mutation {
	return lie(name, func(r *rand.Rand, m *kmsg.MetadataResponse) {
		for i := range m.Topics {
			fn(r, &m.Topics[i])
		}
	})
}

func lieOfPartitions(name string, fn func(r *rand.Rand,
	p *kmsg.MetadataResponseTopicPartition)) Mutation {
	return lieOfTopics(name, func(r *rand.Rand, t *kmsg.MetadataResponseTopic) {
		for i := range t.Partitions {
			fn(r, &t.Partitions[i])
		}
	})
}

// absent returns a broker at an address where nobody listens.
func absent(node int32) kmsg.MetadataResponseBroker {
	b := kmsg.NewMetadataResponseBroker()
	b.NodeID, b.Host, b.Port = node, "127.0.0.1", 1
	return b
}

func namedBrokers() []Mutation {
	return []Mutation{
		lie("nobody listens where brokers are", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			for i := range m.Brokers {
				m.Brokers[i].Port = 1
			}
		}),
		lie("brokers are in a black hole", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			for i := range m.Brokers {
				m.Brokers[i].Host = Hole
			}
		}),
		lie("addresses that are none", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			for i := range m.Brokers {
				m.Brokers[i].Host, m.Brokers[i].Port = "\x00\n[::", -1
			}
		}),
		lie("no brokers", func(_ *rand.Rand, m *kmsg.MetadataResponse) { m.Brokers = nil }),
		lie("all brokers at one address", func(r *rand.Rand, m *kmsg.MetadataResponse) {
			one := m.Brokers[r.IntN(len(m.Brokers))]
			for i := range m.Brokers {
				m.Brokers[i].Host, m.Brokers[i].Port = one.Host, one.Port
			}
		}),
		lie("brokers at each other's addresses", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			for i, j := 0, len(m.Brokers)-1; i < j; i, j = i+1, j-1 {
				m.Brokers[i].NodeID, m.Brokers[j].NodeID = m.Brokers[j].NodeID, m.Brokers[i].NodeID
			}
		}),
		lie("brokers with other numbers every time", func(r *rand.Rand, m *kmsg.MetadataResponse) {
			for i := range m.Brokers {
				m.Brokers[i].NodeID = int32(r.Uint32())
			}
		}),
		lie("brokers with the numbers of seeds", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			for i := range m.Brokers {
				m.Brokers = append(m.Brokers, absent(math.MinInt32+int32(i)),
					absent(-1000-int32(i)))
			}
		}),
		lie("one broker twice", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			m.Brokers = append(m.Brokers, absent(m.Brokers[0].NodeID))
		}),
		lie("a thousand brokers more", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			for i := range int32(1000) {
				m.Brokers = append(m.Brokers, absent(1000+i))
			}
		}),
		lie("throttles questions", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			m.ThrottleMillis = math.MaxInt32
		}),
		lie("an error of it all", func(r *rand.Rand, m *kmsg.MetadataResponse) {
			m.ErrorCode = code(r)
		}),
	}
}

func namedTopics() []Mutation {
	return []Mutation{
		lie("no topics", func(_ *rand.Rand, m *kmsg.MetadataResponse) { m.Topics = nil }),
		lie("topics that nobody asked for", func(_ *rand.Rand, m *kmsg.MetadataResponse) {
			for range 1000 {
				t := kmsg.NewMetadataResponseTopic()
				t.Topic = kmsg.StringPtr("unasked")
				m.Topics = append(m.Topics, t)
			}
		}),
		lieOfTopics("topics without a name", func(_ *rand.Rand, t *kmsg.MetadataResponseTopic) {
			t.Topic = nil
		}),
		lieOfTopics("another topic ID every time",
			func(r *rand.Rand, t *kmsg.MetadataResponseTopic) {
				for i := range t.TopicID {
					t.TopicID[i] = byte(r.Uint32())
				}
			}),
		lieOfTopics("an error of topics", func(r *rand.Rand, t *kmsg.MetadataResponseTopic) {
			t.ErrorCode = code(r)
		}),
		lieOfTopics("an error of topics and no partitions",
			func(r *rand.Rand, t *kmsg.MetadataResponseTopic) {
				t.ErrorCode, t.Partitions = code(r), nil
			}),
		lieOfTopics("no partitions", func(_ *rand.Rand, t *kmsg.MetadataResponseTopic) {
			t.Partitions = nil
		}),
		misplacing(lieOfTopics("half of the partitions",
			func(_ *rand.Rand, t *kmsg.MetadataResponseTopic) {
				t.Partitions = t.Partitions[:(len(t.Partitions)+1)/2]
			})),
		misplacing(lieOfTopics("a thousand partitions more",
			func(r *rand.Rand, t *kmsg.MetadataResponseTopic) {
				for range 1000 {
					if len(t.Partitions) == 0 {
						return
					}
					p := t.Partitions[r.IntN(len(t.Partitions))]
					p.Partition = int32(len(t.Partitions))
					t.Partitions = append(t.Partitions, p)
				}
			})),
		misplacing(lieOfTopics("every partition twice",
			func(_ *rand.Rand, t *kmsg.MetadataResponseTopic) {
				t.Partitions = append(t.Partitions, t.Partitions...)
			})),
	}
}

func misplacing(m Mutation) Mutation {
	m.Trust = Misplaces
	return m
}

func namedPartitions() []Mutation {
	return []Mutation{
		lieOfPartitions("partitions with numbers out of range",
			func(r *rand.Rand, p *kmsg.MetadataResponseTopicPartition) {
				p.Partition = int32(r.Uint32())
			}),
		lieOfPartitions("no leaders", func(_ *rand.Rand, p *kmsg.MetadataResponseTopicPartition) {
			p.Leader = -1
		}),
		lieOfPartitions("leaders that do not exist",
			func(r *rand.Rand, p *kmsg.MetadataResponseTopicPartition) {
				p.Leader = int32(r.Uint32())
			}),
		lieOfPartitions("other leaders every time",
			func(r *rand.Rand, p *kmsg.MetadataResponseTopicPartition) {
				p.Leader = int32(r.IntN(3))
			}),
		lieOfPartitions("leaders of the last epoch",
			func(r *rand.Rand, p *kmsg.MetadataResponseTopicPartition) {
				p.Leader, p.LeaderEpoch = int32(r.IntN(3)), math.MaxInt32
			}),
		lieOfPartitions("epochs going back", func(r *rand.Rand,
			p *kmsg.MetadataResponseTopicPartition) {
			p.LeaderEpoch = int32(r.Uint32())
		}),
		lieOfPartitions("an error of partitions",
			func(r *rand.Rand, p *kmsg.MetadataResponseTopicPartition) {
				p.ErrorCode = code(r)
			}),
	}
}
