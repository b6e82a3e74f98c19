package fleet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// requestsOf returns the requests/s of one instance, for all priorities.
func requestsOf(t *testing.T, text string) float64 {
	t.Helper()
	return compute(parse(t, text), Coefficients{}).Instance.Requests
}

func TestRequests_AgreeWithCasesComputedByHand(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       float64
	}{
		{"a record comes after 1 ms, and lingers for 10 ms",
			"{instances: 1, brokers: 1, topics: [{records_per_second: 1k, record_bytes: 100}]}",
			1 / 0.011},
		{"how many brokers there are does not matter without keys",
			"{instances: 1, brokers: 9, topics: [{records_per_second: 1k, record_bytes: 100}]}",
			1 / 0.011},
		{"nor how many topics share the requests",
			"{instances: 1, brokers: 9, topics: [{count: 50, records_per_second: 1k, " +
				"record_bytes: 100}]}", 1 / 0.011},
		{"with keys each broker gets its own: 12 times 1/(10 ms + 1 ms)",
			"{instances: 1, brokers: 12, topics: [{records_per_second: 12k, keyed: true, " +
				"record_bytes: 100}]}", 12 / 0.011},
		{"3 partitions are on 3 of 12 brokers",
			"{instances: 1, brokers: 12, topics: [{records_per_second: 3k, keyed: true, " +
				"partitions: 3, record_bytes: 100}]}", 3 / 0.011},
		{"each priority makes its own",
			"{instances: 1, brokers: 2, topics: [{records_per_second: 1k}, " +
				"{records_per_second: 100, priority: low}]}", 1/0.011 + 1/0.020},
		{"without linger each record is a request",
			"{instances: 1, brokers: 2, settings: {linger: 0}, topics: [{records_per_second: 70}]}",
			70},
		{"but not more than two in flight to each broker, for 5 ms",
			"{instances: 1, brokers: 2, settings: {linger: 0}, topics: [{records_per_second: 1M, " +
				"record_bytes: 1, partitions: 10}]}", 2 * 2 / 0.005},
		{"nor more than one to each partition",
			"{instances: 1, brokers: 2, settings: {linger: 0}, topics: [{records_per_second: 1M, " +
				"record_bytes: 1, partitions: 1}]}", 1 / 0.005},
		{"a batch is full after 1,000 records of 1,000 bytes",
			"{instances: 1, brokers: 1, settings: {linger: 1s, buffer_bytes: 1GiB}, topics: " +
				"[{records_per_second: 20k, record_bytes: 991}]}", 20},
		{"one of two topics fills batches, half a batch goes with each request of the other",
			"{instances: 1, brokers: 1, settings: {linger: 1s, buffer_bytes: 1GiB}, topics: " +
				"[{records_per_second: 20k, record_bytes: 991}, {records_per_second: 1, " +
				"record_bytes: 100}]}", 1/2.0 + 20 - 1/2.0/2},
		{"the fleet's rate is shared by the instances",
			"{instances: 10, brokers: 1, topics: [{records_per_second: 10k, record_bytes: 100}]}",
			1 / 0.011},
		{"nothing is sent", "{instances: 1, brokers: 1, topics: [{records_per_second: 0}]}", 0},
	} {
		require.InDelta(t, c.want, requestsOf(t, c.text), 1e-6*c.want, c.name)
	}
}

func TestRequests_LateBatchesAreFewer(t *testing.T) {
	f := parse(t, "{instances: 1, brokers: 1, topics: [{records_per_second: 1k}]}")
	p := compute(f, Coefficients{Late: 0.001})
	require.InEpsilon(t, 1/0.012, p.Instance.Requests, 1e-9)
}

func TestBatches_AreOneForEachTopicThatHasSomething(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
	}{
		{"{instances: 1, brokers: 1, topics: [{records_per_second: 1k}]}", 1 / 0.011},
		// 50 topics of 20 records/s: 1-e^(-20·0.011) of them have something
		{"{instances: 1, brokers: 1, topics: [{count: 50, records_per_second: 1k}]}",
			50 * (1 - math.Exp(-20*0.011)) / 0.011},
		// full batches of 49 records; 20 topics of 1,000 records/s in each
		{"{instances: 1, brokers: 1, settings: {linger: 1s, ack_latency: 100us}, topics: " +
			"[{count: 20, records_per_second: 20k, record_bytes: 20kB}]}", 20_000.0 / 49},
		// 12 partitions of 1,000/12 records/s
		{"{instances: 1, brokers: 1, topics: [{records_per_second: 1k, keyed: true, " +
			"partitions: 12}]}", 12 * (1 - math.Exp(-1000.0/12*0.011)) / 0.011},
	} {
		p := compute(parse(t, c.text), Coefficients{})
		require.InEpsilon(t, c.want, p.Instance.Batches, 1e-6, c.text)
	}
}

// The formulas, and what is played where there is none, against the rules of the engine record by
// record. TestVirtual_OneRequestALinger has 101, 59, 45 and 9.6 records in a request for the cases
// of 50 topics, of the engine itself.
func TestRequests_AgreeWithASimulationOfTheEngine(t *testing.T) {
	for _, c := range []struct {
		topics, partitions, brokers int
		rate, bytes                 float64
		keyed, mixed                bool
	}{
		{topics: 1, partitions: 12, brokers: 12, rate: 10_000, bytes: 100},
		{topics: 1, partitions: 1, brokers: 3, rate: 300, bytes: 100},
		{topics: 50, partitions: 12, brokers: 12, rate: 10_000, bytes: 100},
		{topics: 50, partitions: 3, brokers: 12, rate: 10_000, bytes: 100},
		{topics: 50, partitions: 6, brokers: 12, rate: 1000, bytes: 100},
		{topics: 10, partitions: 3, brokers: 12, rate: 1000, bytes: 100},
		{topics: 1, partitions: 12, brokers: 12, rate: 10_000, bytes: 100, keyed: true},
		{topics: 5, partitions: 6, brokers: 6, rate: 300, bytes: 100, keyed: true},
		{topics: 4, partitions: 6, brokers: 6, rate: 600, bytes: 100, mixed: true},
		{topics: 4, partitions: 12, brokers: 12, rate: 6000, bytes: 100, mixed: true},
		{topics: 1, partitions: 4, brokers: 4, rate: 1000, bytes: 100_000},
		{topics: 1, partitions: 4, brokers: 4, rate: 5000, bytes: 20_000},
		{topics: 3, partitions: 4, brokers: 4, rate: 20_000, bytes: 20_000},
		{topics: 4, partitions: 4, brokers: 4, rate: 1000, bytes: 400_000},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			half := c.rate
			text := ""
			if c.mixed {
				half = c.rate / 2
				text = fmt.Sprintf(", {count: %d, partitions: %d, records_per_second: %f, "+
					"record_bytes: %f, keyed: true}", c.topics, c.partitions, half, c.bytes)
			}
			got := requestsOf(t, fmt.Sprintf("{instances: 1, brokers: %d, settings: "+
				"{ack_latency: 100us}, topics: [{count: %d, partitions: %d, "+
				"records_per_second: %f, record_bytes: %.0f, keyed: %v}%s]}", c.brokers, c.topics,
				c.partitions, half, c.bytes, c.keyed, text))
			s := &simulation{linger: 0.01, random: rand.New(rand.NewPCG(3, 4))}
			most := max(1, int(1_000_000/(c.bytes+recordFraming)))
			for i := range c.topics {
				if !c.keyed {
					s.addTopic(half/float64(c.topics), most, i, c.partitions, c.brokers)
				}
				if c.keyed || c.mixed {
					s.addPartitions(half/float64(c.topics), most, i, c.partitions, c.brokers)
				}
			}
			s.play(20)
			require.InEpsilon(t, float64(s.requests)/20, got, 0.1)
		})
	}
}

// addTopic adds a topic without keys, whose leaders are on consecutive brokers.
func (s *simulation) addTopic(rate float64, most, number, partitions, brokers int) {
	t := &simTopic{rate: rate, most: most}
	for p := range min(partitions, brokers) {
		t.leads = append(t.leads, (number+p)%brokers)
	}
	s.topics = append(s.topics, t)
}

// addPartitions adds the partitions of a topic with keys.
func (s *simulation) addPartitions(rate float64, most, number, partitions, brokers int) {
	for p := range partitions {
		s.topics = append(s.topics, &simTopic{rate: rate / float64(partitions), most: most,
			keyed: true, leads: []int{(number + p) % brokers}})
	}
}

func TestPlay_IsTheSameEachTime(t *testing.T) {
	const text = "{instances: 1, brokers: 12, topics: [{count: 50, partitions: 3, " +
		"records_per_second: 1k}]}"
	require.Equal(t, requestsOf(t, text), requestsOf(t, text))
}

// Topics that none of the few brokers leads make requests to brokers of their own.
func TestRequests_OfTopicsThatNoneOfTheFewBrokersLeads(t *testing.T) {
	const topics, partitions, brokers, kept, rate, seconds, rounds = 60, 3, 40, 8, 600.0, 10, 5
	random := rand.New(rand.NewPCG(5, 6))
	requests := 0
	for range rounds {
		s := &simulation{linger: 0.01, random: random}
		place := random.Perm(brokers) // by broker
		for range topics {
			topic := &simTopic{rate: rate / topics, most: 1e6}
			first := random.IntN(brokers)
			for p := range partitions {
				topic.leads = append(topic.leads, place[(first+p)%brokers])
			}
			slices.Sort(topic.leads)
			for len(topic.leads) > 1 && topic.leads[len(topic.leads)-1] >= kept {
				topic.leads = topic.leads[:len(topic.leads)-1]
			}
			s.topics = append(s.topics, topic)
		}
		s.play(seconds)
		requests += s.requests
	}
	got := requestsOf(t, fmt.Sprintf("{instances: 1, brokers: %d, settings: {ack_latency: 100us}, "+
		"topics: [{count: %d, partitions: %d, records_per_second: %f, record_bytes: 100}]}",
		brokers, topics, partitions, rate))
	require.InEpsilon(t, float64(requests)/seconds/rounds, got, 0.1)
}
