package hostile

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// produced returns what a broker may say of batches.
func produced() []Mutation {
	all := []Mutation{
		answer("forgets partitions", func(r *rand.Rand, p *kmsg.ProduceResponse) {
			for i := range p.Topics {
				t := &p.Topics[i]
				t.Partitions = t.Partitions[:r.IntN(len(t.Partitions)+1)]
			}
		}),
		answer("forgets topics", func(_ *rand.Rand, p *kmsg.ProduceResponse) { p.Topics = nil }),
		answer("mentions what nobody wrote to", func(_ *rand.Rand, p *kmsg.ProduceResponse) {
			for i := range p.Topics {
				for n := range int32(100) {
					more := kmsg.NewProduceResponseTopicPartition()
					more.Partition, more.ErrorCode = -1-n, kerr.InvalidRecord.Code
					p.Topics[i].Partitions = append(p.Topics[i].Partitions, more)
				}
			}
			p.Topics = append(p.Topics, kmsg.NewProduceResponseTopic())
		}),
		each("a negative offset", func(r *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
			if p.ErrorCode == 0 {
				p.BaseOffset = -1 - r.Int64N(math.MaxInt64)
			}
		}),
		each("appended, or not", func(r *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
			codes := []int16{-1, kerr.RequestTimedOut.Code, kerr.NotEnoughReplicasAfterAppend.Code,
				150, math.MinInt16, math.MaxInt16}
			p.ErrorCode = codes[r.IntN(len(codes))]
		}),
		answer("throttles for a month", func(_ *rand.Rand, p *kmsg.ProduceResponse) {
			p.ThrottleMillis = math.MaxInt32
		}),
		answer("throttles backwards", func(_ *rand.Rand, p *kmsg.ProduceResponse) {
			p.ThrottleMillis = math.MinInt32
		}),
		lying(each("any error of what was written",
			func(r *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
				p.ErrorCode = code(r)
				if r.IntN(2) == 0 {
					p.BaseOffset = -1
				}
			})),
		lying(answer("two answers for one partition", func(r *rand.Rand, p *kmsg.ProduceResponse) {
			for i := range p.Topics {
				for _, other := range p.Topics[i].Partitions {
					other.ErrorCode = code(r)
					p.Topics[i].Partitions = append(p.Topics[i].Partitions, other)
				}
			}
		})),
		refusal("refuses for any reason", func(r *rand.Rand,
			p *kmsg.ProduceResponseTopicPartition) {
			p.ErrorCode = refusalCode(r)
		}),
		refusal("names some other leader", func(r *rand.Rand,
			p *kmsg.ProduceResponseTopicPartition) {
			p.ErrorCode = kerr.NotLeaderForPartition.Code
			p.CurrentLeader.LeaderID = []int32{-1, 0, 1, 2, 77, math.MaxInt32,
				math.MinInt32}[r.IntN(7)]
			p.CurrentLeader.LeaderEpoch = int32(r.Uint32())
		}),
		refusal("finds records invalid that there are not",
			func(r *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
				p.ErrorCode = kerr.InvalidRecord.Code
				for range 1 + r.IntN(5) {
					bad := kmsg.NewProduceResponseTopicPartitionErrorRecord()
					bad.RelativeOffset = int32(r.IntN(20) - 10)
					p.ErrorRecords = append(p.ErrorRecords, bad)
				}
			}),
		refusal("explains at length", func(r *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
			p.ErrorCode = refusalCode(r)
			p.ErrorMessage = kmsg.StringPtr(strings.Repeat("\n\x00no", 16<<10))
		}),
		refusal("finds everything too large",
			func(_ *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
				p.ErrorCode = kerr.MessageTooLarge.Code
			}),
		lying(refusal("acknowledges what it did not write",
			func(_ *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
				p.ErrorCode, p.BaseOffset = 0, 0
			})),
	}
	for i := range all {
		all[i].Fault, all[i].Keys = Answers, []kmsg.Key{kmsg.Produce}
	}
	return all
}

// AppendedButAnswered says code of so many percent of the batches that were appended.
func AppendedButAnswered(code int16, percent int) Mutation {
	m := each("appended, but answered with an error",
		func(r *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
			if p.ErrorCode == 0 && r.IntN(100) < percent {
				p.ErrorCode, p.BaseOffset = code, -1
			}
		})
	m.Fault, m.Keys, m.Trust = Answers, []kmsg.Key{kmsg.Produce}, Lies
	return m
}

// refusalCode returns a code that does not say that the batch is in the log.
func refusalCode(r *rand.Rand) int16 {
	for {
		if c := code(r); c != 0 && c != kerr.DuplicateSequenceNumber.Code {
			return c
		}
	}
}

func lying(m Mutation) Mutation {
	m.Trust = Lies
	return m
}

func answer(name string, fn func(r *rand.Rand, p *kmsg.ProduceResponse)) Mutation {
	return Mutation{Name: name, resp: func(r *rand.Rand, resp kmsg.Response) {
		fn(r, resp.(*kmsg.ProduceResponse))
	}}
}

func each(name string, fn func(r *rand.Rand, p *kmsg.ProduceResponseTopicPartition)) Mutation {
	return answer(name, func(r *rand.Rand, p *kmsg.ProduceResponse) {
		for i := range p.Topics {
			for j := range p.Topics[i].Partitions {
				fn(r, &p.Topics[i].Partitions[j])
			}
		}
	})
}

// refusal answers in the place of the broker, which does not see the request.
func refusal(name string, fn func(r *rand.Rand, p *kmsg.ProduceResponseTopicPartition)) Mutation {
	return Mutation{Name: name, refuse: func(r *rand.Rand, q *kmsg.ProduceRequest) kmsg.Response {
		resp := q.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range q.Topics {
			of := kmsg.NewProduceResponseTopic()
			of.Topic, of.TopicID = t.Topic, t.TopicID
			for _, asked := range t.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition, p.BaseOffset = asked.Partition, -1
				fn(r, &p)
				of.Partitions = append(of.Partitions, p)
			}
			resp.Topics = append(resp.Topics, of)
		}
		return resp
	}}
}
