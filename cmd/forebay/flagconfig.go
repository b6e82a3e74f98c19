package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/forebay-go/forebay/producer"
)

// clusterName is the name of the one cluster of a command without --config.
const clusterName = "kafka"

// maxRecordBytes bounds a record, and so a line. It is about the brokers' default
// (message.max.bytes).
const maxRecordBytes = 1_000_000

// config returns the flags as settings of the library.
func (f *flags) config() producer.Config {
	var brokers []string
	for _, addr := range f.brokers {
		brokers = append(brokers, strings.TrimSpace(addr))
	}
	// Never: an unanswered line waits for its partition to come back. Written to another partition
	// it could be in Kafka twice, and this command is in no hurry.
	priority := producer.PriorityConfig{DeliveryTimeout: f.deliveryTimeout,
		MoveUnresolvedAfter: producer.Never}
	linger := f.linger
	if linger == 0 {
		linger = producer.NoLinger
	}
	return producer.Config{
		ClientID:   "forebay-produce",
		Clusters:   map[string]producer.ClusterConfig{clusterName: {Brokers: brokers}},
		Priorities: producer.PrioritiesConfig{Low: priority, Medium: priority, High: priority},
		Buffer:     producer.BufferConfig{MaxBytes: int64(f.buffer)},
		Batching: producer.BatchingConfig{
			Linger:         linger,
			MaxRecordBytes: maxRecordBytes,
			Compression:    f.compression,
			Acks:           f.acks,
		},
	}
}

// flagOf names the flag behind each setting that producer.New may complain about.
var flagOf = [...]struct{ field, flag string }{
	{"clusters." + clusterName + ".brokers", "--brokers"},
	{"buffer.max_bytes", "--buffer"},
	{"batching.compression", "--compression"},
	{"batching.acks", "--acks"},
}

// inFlags returns the error of producer.New with flags in place of settings, which the user has
// never seen.
func inFlags(err error) error {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		for _, f := range flagOf {
			if rest, ok := strings.CutPrefix(line, f.field); ok {
				lines[i] = f.flag + rest
			}
		}
	}
	lines = slices.DeleteFunc(lines,
		func(line string) bool { return line == "forebay: wrong configuration:" })
	return errors.New(strings.Join(lines, "\n"))
}
