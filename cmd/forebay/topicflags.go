package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
)

// topicFlag is a flag with one value for all topics and others for some: value[,topic=value...].
type topicFlag[T any] struct {
	choice *admin.Choice[T]
	parse  func(string) (T, error)
	kind   string // of value, in the help
	given  []string
}

// String returns what was given.
func (f *topicFlag[T]) String() string { return strings.Join(f.given, ",") }

// Type names the value in the help.
func (f *topicFlag[T]) Type() string { return f.kind }

// Set reads values, each for all topics or for some.
func (f *topicFlag[T]) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := f.choice.Add(part, f.parse); err != nil {
			return err
		}
		f.given = append(f.given, part)
	}
	return nil
}

// registerShape registers the flags for the replicas and the retention of topics.
func registerShape(set *pflag.FlagSet, c *admin.Choices) {
	set.Var(&topicFlag[int16]{choice: &c.Copies, parse: parseCount[int16], kind: "n[,topic=n...]"},
		"replication-factor",
		"replicas of each partition (default: create_topics, else by priority)")
	set.Var(&topicFlag[time.Duration]{choice: &c.Retention, parse: parseRetention,
		kind: "time[,topic=time...]"}, "retention",
		"how long records are kept: 168h, forever (default: create_topics, else by priority)")
}

// registerPartitions registers the flag for the number of partitions of new topics.
func registerPartitions(set *pflag.FlagSet, c *admin.Choices) {
	set.Var(&topicFlag[int32]{choice: &c.Partitions, parse: parseCount[int32],
		kind: "n[,topic=n...]"}, "partitions",
		"partitions of each new topic (default: create_topics, else the brokers' default)")
}

func parseCount[T int16 | int32](text string) (T, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt32 || int64(T(n)) != n {
		return 0, errors.New("write a number from 1, such as 3 or topic=3")
	}
	return T(n), nil
}

func parseRetention(text string) (time.Duration, error) {
	if text == "forever" {
		return -1, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Millisecond {
		return 0, errors.New("write a time such as 168h, forever or topic=168h")
	}
	return d, nil
}
