//go:build linux || darwin

package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"

	"github.com/forebay-go/forebay/producer"
)

const (
	coreRounds = 11
	coreBytes  = 16 << 20 // of values in a round
	coreSample = 16       // of so many calls of a goroutine, one is timed
)

// crowd is what BenchmarkSendCores varies.
type crowd struct {
	goroutines, topics, size int
	keyed                    bool
}

func (c crowd) String() string {
	key := "unkeyed"
	if c.keyed {
		key = "keyed"
	}
	return fmt.Sprintf("%dB/%s/topics=%d/goroutines=%d", c.size, key, c.topics, c.goroutines)
}

// BenchmarkSendCores is what goroutines cost each other that send at the same time, with nothing
// else to do: run it with -cpu. Each sends to all topics in turn. It reports wall and processor time
// per record, and the slowest calls.
func BenchmarkSendCores(b *testing.B) {
	for _, size := range []int{100, 1 << 10} {
		for _, keyed := range []bool{false, true} {
			for _, topics := range []int{1, 16} {
				for _, goroutines := range []int{1, 16, 64} {
					c := crowd{goroutines, topics, size, keyed}
					for _, name := range []string{"forebay", "franz-go", "nothing"} {
						b.Run(c.String()+"/"+name, func(b *testing.B) { benchCores(b, name, c) })
					}
				}
			}
		}
	}
}

func benchCores(b *testing.B, name string, c crowd) {
	var g gate
	topics := make([]string, c.topics)
	for i := range topics {
		topics[i] = fmt.Sprintf("events-%d", i)
	}
	seeds := blackhole(b, topics...)
	client := client(nothing{})
	if name != "nothing" {
		client = newClient(b, name, seeds, g.dial)
	}
	var wall, used, p50, p999, longest, full spread
	for round := range coreRounds + 1 {
		requests := client.requests()
		g.Lock()
		runtime.GC() // of what the round before has left
		before := cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID)
		took, calls := c.rush(sender(client, value(c.size)), topics)
		spent := cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID) - before
		g.Unlock()
		client.flush(b)
		if n := float64(c.records()); round > 0 { // the first finds out where the partitions are
			wall, used = append(wall, float64(took)/n), append(used, spent/n)
			p50 = append(p50, calls.quantile(0.5))
			p999 = append(p999, calls.quantile(0.999))
			longest = append(longest, calls.quantile(1)/1000)
			full = append(full, n/(client.requests()-requests))
		}
	}
	require.Zero(b, client.refused())
	b.ReportMetric(wall.median(), "ns/op")
	b.ReportMetric(used.median(), "cpu-ns/op")
	b.ReportMetric(p50.median(), "p50-ns")
	b.ReportMetric(p999.median(), "p99.9-ns")
	b.ReportMetric(longest.median(), "max-µs")
	if name != "nothing" {
		b.ReportMetric(full.median(), "records/req")
	}
	b.Logf("%v ns, %v of processor time; p99.9 %v ns", wall, used, p999)
}

// records returns how many records a round has: as many for each goroutine.
func (c crowd) records() int { return coreBytes / c.size / c.goroutines * c.goroutines }

// rush sends the records of a round from all goroutines at once. It returns how long that took, and
// how long some of the calls took.
func (c crowd) rush(send func(topic string, key []byte), topics []string) (took time.Duration,
	calls spread) {
	var ready, done sync.WaitGroup
	start := make(chan struct{}) // closed when all are ready
	each := c.records() / c.goroutines
	timed := make([]spread, c.goroutines)
	for i := range timed {
		timed[i] = make(spread, 0, each/coreSample+1)
		ready.Add(1)
		done.Go(func() {
			key := fmt.Appendf(nil, "%05d", i)
			if !c.keyed {
				key = nil
			}
			ready.Done()
			<-start
			for n := range each {
				topic := topics[(i+n)%len(topics)]
				if n%coreSample != 0 {
					send(topic, key)
					continue
				}
				begin := time.Now()
				send(topic, key)
				timed[i] = append(timed[i], float64(time.Since(begin)))
			}
		})
	}
	ready.Wait()
	begin := time.Now()
	close(start)
	done.Wait()
	took = time.Since(begin)
	for _, t := range timed {
		calls = append(calls, t...)
	}
	return took, calls
}

// sender returns what sends value with a key, or without one, by a client.
func sender(c client, value []byte) func(topic string, key []byte) {
	switch c := c.(type) {
	case *forebay:
		return func(topic string, key []byte) {
			if c.Send(producer.Record{Topic: topic, Key: key, Value: value}) != nil {
				c.refusals.Add(1)
			}
		}
	case *franz:
		return func(topic string, key []byte) {
			c.TryProduce(context.Background(), &kgo.Record{Topic: topic, Key: key, Value: value},
				c.promise)
		}
	}
	return func(string, []byte) {}
}
