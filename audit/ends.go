package audit

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Ends tells the ledger where the partitions of a topic end. Ask Kafka for that after all
// statements were added. Judge decides with it about records whose offset nobody knows: they are
// not in the log if readers have read all of it up to there.
func (l *Ledger) Ends(topic string, ends map[int32]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends[topic] = ends
}

// FindEnds asks Kafka for the ends of all topics with records whose offset nobody knows. opts are
// those of kgo that say where Kafka is, such as kgo.SeedBrokers, and how to log in.
func (l *Ledger) FindEnds(ctx context.Context, opts ...kgo.Opt) error {
	topics := l.topicsByTime()
	if len(topics) == 0 {
		return nil
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	listed, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return fmt.Errorf("ask where %q end: %w", topics, err)
	}
	for topic, partitions := range listed {
		ends := make(map[int32]int64)
		for partition, end := range partitions {
			ends[partition] = end.Offset
		}
		l.Ends(topic, ends)
	}
	return nil
}

// topicsByTime returns the topics with records whose offset nobody knows.
func (l *Ledger) topicsByTime() (topics []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	had := make(map[string]bool)
	for i := range l.byTime {
		if topic := l.byTime[i].topic; !had[topic] {
			had[topic] = true
			topics = append(topics, topic)
		}
	}
	return topics
}

// readToEnds reports whether readers have read all that was in a topic when its ends were asked
// for.
func (l *Ledger) readToEnds(topic string) bool {
	ends, known := l.ends[topic]
	for partition, end := range ends {
		log := l.logs[partitionOf{topic, partition}]
		if end > 0 && (log == nil || !log.readTo(end)) {
			return false
		}
	}
	return known
}

// readTo reports whether the newest generation was read up to an offset without a gap.
func (l *partitionLog) readTo(offset int64) bool {
	g := l.newest()
	if g == nil {
		return false
	}
	next, any := g.passed.end()
	return any && next >= offset
}
