package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// clusterName is what the one cluster of the command is called.
const clusterName = "kafka"

// maxRecordBytes bounds a record, and so a line. It is what brokers take unless they are told
// otherwise.
const maxRecordBytes = 1_000_000

// settings is what the flags of produce say.
type settings struct {
	file            string // of settings of the library; "" if the flags say all
	brokers         []string
	topic           string
	priority        routing.Priority
	keySeparator    string
	raw             bool
	compression     string
	acks            string
	linger          time.Duration
	buffer          byteSize
	deliveryTimeout time.Duration
	closeTimeout    time.Duration
	quiet           bool
}

func (s *settings) register(f *pflag.FlagSet) {
	s.buffer = 64 << 20
	f.StringSliceVar(&s.brokers, "brokers", nil,
		"some brokers of the cluster, as `host:port`[,host:port...] (required, or --config)")
	f.StringVar(&s.file, "config", "",
		"a YAML `file` of settings (see forebay config), in place of --brokers; other flags go before it")
	f.StringVar(&s.topic, "topic", "", "the `name` of the topic, which must exist (required)")
	f.TextVar(&s.priority, "priority", routing.Medium,
		"the priority of the records: `low|medium|high`")
	f.StringVar(&s.keySeparator, "key-separator", "",
		"what is before the first `separator` of a line is its key, \\t is a tab; a line without one has no key")
	f.BoolVar(&s.raw, "raw", false,
		"send the bytes of lines unchanged: decompress nothing, convert nothing, accept binary "+
			"data")
	f.StringVar(&s.compression, "compression", "none",
		"how batches are compressed: `none|gzip|snappy|lz4|zstd`")
	f.StringVar(&s.acks, "acks", "all",
		"who must have a record, `all|leader`: all in-sync replicas, or the leader alone, whose death loses or doubles records")
	f.DurationVar(&s.linger, "linger", 10*time.Millisecond,
		"how long a batch waits for more lines; 0 sends at once")
	f.Var(&s.buffer, "buffer",
		"the memory for records that wait for Kafka; when it is full, reading waits")
	f.DurationVar(&s.deliveryTimeout, "delivery-timeout", time.Hour,
		"how long a record may take to be delivered before it is given up")
	f.DurationVar(&s.closeTimeout, "close-timeout", 30*time.Second,
		"how long what was read may take to be delivered after Ctrl-C")
	f.BoolVar(&s.quiet, "quiet", false,
		"no progress, and no last line when everything was delivered")
}

// check returns what is wrong with settings for which the library has a default, or which it does
// not know.
func (s *settings) check(changed func(flag string) bool) error {
	var errs []error
	wrong := func(flag, hint string) { errs = append(errs, fmt.Errorf("--%s: %s", flag, hint)) }
	switch {
	case s.file != "" && changed("brokers"):
		wrong("brokers", "the brokers are in --config: leave one of the two away")
	case s.file == "" && len(s.brokers) == 0:
		wrong("brokers",
			"none: write some of the cluster's brokers, such as --brokers "+
				"kafka-1:9092,kafka-2:9092")
	}
	if s.topic == "" {
		wrong("topic", "none: write the topic to send to")
	}
	if s.keySeparator == "" && changed("key-separator") {
		wrong("key-separator", "empty: write what separates key and value, or leave the flag away")
	}
	if s.linger < 0 || s.linger > time.Minute {
		wrong("linger", fmt.Sprintf("%v: write a time up to 1m, or 0 for none", s.linger))
	}
	if s.deliveryTimeout < time.Second || s.deliveryTimeout > 365*24*time.Hour {
		wrong("delivery-timeout", fmt.Sprintf("%v: write 1s to 8760h", s.deliveryTimeout))
	}
	if s.closeTimeout < 0 {
		wrong("close-timeout", fmt.Sprintf("%v: write 0 or more", s.closeTimeout))
	}
	return errors.Join(errs...)
}

// separator returns the key separator, or nothing if lines have no keys.
func (s *settings) separator() []byte {
	return []byte(strings.ReplaceAll(s.keySeparator, `\t`, "\t"))
}

// config returns the settings as the library takes them.
func (s *settings) config() producer.Config {
	var brokers []string
	for _, addr := range s.brokers {
		brokers = append(brokers, strings.TrimSpace(addr))
	}
	// Never: a line that was written and not answered waits for its partition to come back. Written
	// elsewhere it could be in Kafka twice, and here nobody is in such a hurry.
	lane := producer.PriorityConfig{DeliveryTimeout: s.deliveryTimeout,
		MoveUnresolvedAfter: producer.Never}
	linger := s.linger
	if linger == 0 {
		linger = producer.NoLinger
	}
	return producer.Config{
		ClientID:   "forebay-produce",
		Clusters:   map[string]producer.ClusterConfig{clusterName: {Brokers: brokers}},
		Priorities: producer.PrioritiesConfig{Low: lane, Medium: lane, High: lane},
		Buffer:     producer.BufferConfig{MaxBytes: int64(s.buffer)},
		Batching: producer.BatchingConfig{
			Linger:         linger,
			MaxRecordBytes: maxRecordBytes,
			Compression:    s.compression,
			Acks:           s.acks,
		},
	}
}

// flagOf says which flag a field of the library's configuration comes from.
var flagOf = [...]struct{ field, flag string }{
	{"clusters." + clusterName + ".brokers", "--brokers"},
	{"buffer.max_bytes", "--buffer"},
	{"batching.compression", "--compression"},
	{"batching.acks", "--acks"},
}

// inFlags returns the error of producer.New with the flags in place of the fields, which the user
// has never seen.
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
