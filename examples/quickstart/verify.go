package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/routing"
)

// received is a record as it was read from Kafka.
type received struct {
	identity
	cluster routing.Priority // the one it was read from
	topic   string
	key     string // empty without one
}

// readBack reads all records of all clusters, those of each partition in its order.
func (e *embedded) readBack(ctx context.Context) ([]received, error) {
	var all []received
	for _, priority := range routing.All {
		read, err := readCluster(ctx, e.brokers(priority), priority)
		if err != nil {
			return nil, fmt.Errorf("read the %v cluster: %w", priority, err)
		}
		all = append(all, read...)
	}
	return all, nil
}

// readCluster reads up to where the partitions end now, not up to the records it knows of: it is to
// find those twice, too.
func readCluster(ctx context.Context, brokers []string, priority routing.Priority) ([]received,
	error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...),
		kgo.ConsumeTopics(topicsOf(priority)...))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topicsOf(priority)...)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, err
	}
	var stored int64
	ends.Each(func(end kadm.ListedOffset) { stored += end.Offset })

	var all []received
	for int64(len(all)) < stored {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for rec := range fetches.RecordsAll() {
			id, err := parseIdentity(rec.Value)
			if err != nil {
				return nil, err
			}
			all = append(all, received{identity: id, cluster: priority, topic: rec.Topic,
				key: string(rec.Key)})
		}
	}
	return all, nil
}

// check compares what was accepted with what was read. It returns nil only if each accepted record
// was read exactly once, from the cluster of its priority, nothing else was read, and records with
// a key came in the order of their Sends.
func check(accepted []identity, read []received) error {
	times := make(map[identity]int, len(accepted))
	for _, id := range accepted {
		times[id] = 0
	}
	type keyOf struct {
		cluster    routing.Priority
		topic, key string
	}
	last := make(map[keyOf]uint64)
	var missing, repeated, unknown, misplaced, disordered finding
	for _, r := range read {
		n, known := times[r.identity]
		key := keyOf{r.cluster, r.topic, r.key}
		switch {
		case !known:
			unknown.add(r.identity)
			continue
		case n == 1:
			repeated.add(r.identity)
		case r.cluster != r.priority:
			misplaced.add(r.identity)
		case r.key != "" && r.number < last[key]:
			disordered.add(r.identity)
		}
		times[r.identity]++
		last[key] = max(last[key], r.number)
	}
	for _, id := range accepted {
		if times[id] == 0 {
			missing.add(id)
		}
	}
	return errors.Join(
		missing.err("accepted and not in Kafka"),
		repeated.err("in Kafka more than once"),
		unknown.err("in Kafka and never accepted"),
		misplaced.err("in the cluster of another priority"),
		disordered.err("not in the order of their key"),
	)
}

// finding is a number of records that something is wrong with.
type finding struct {
	count int
	first identity
}

func (f *finding) add(id identity) {
	if f.count == 0 {
		f.first = id
	}
	f.count++
}

func (f *finding) err(what string) error {
	if f.count == 0 {
		return nil
	}
	return fmt.Errorf("%s: %d, the first is %v", what, f.count, f.first)
}
