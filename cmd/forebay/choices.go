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

// choiceFlag is a flag of a value for all topics, and others for some: value[,topic=value...].
type choiceFlag[T any] struct {
	choice *admin.Choice[T]
	parse  func(string) (T, error)
	kind   string // of value, in the help
	said   []string
}

// String returns what was written.
func (f *choiceFlag[T]) String() string { return strings.Join(f.said, ",") }

// Type names the value in the help.
func (f *choiceFlag[T]) Type() string { return f.kind }

// Set reads values, each for all topics or for some.
func (f *choiceFlag[T]) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := f.choice.Add(part, f.parse); err != nil {
			return err
		}
		f.said = append(f.said, part)
	}
	return nil
}

// registerShape registers the flags that go before what settings and priorities say of topics that
// are there.
func registerShape(f *pflag.FlagSet, c *admin.Choices) {
	f.Var(&choiceFlag[int16]{choice: &c.Copies, parse: parseCount[int16], kind: "n[,topic=n...]"},
		"replication-factor",
		"how many copies topics have, for all or by name or pattern (default: create_topics of "+
			"the cluster, else by priority)")
	f.Var(&choiceFlag[time.Duration]{choice: &c.Retention, parse: parseRetention,
		kind: "time[,topic=time...]"}, "retention",
		"how long records are kept, such as 168h or forever (default: retention.ms in "+
			"create_topics.configs, else by priority)")
}

// registerPartitions registers the flag of how many partitions new topics get.
func registerPartitions(f *pflag.FlagSet, c *admin.Choices) {
	f.Var(&choiceFlag[int32]{choice: &c.Partitions, parse: parseCount[int32],
		kind: "n[,topic=n...]"}, "partitions",
		"how many partitions new topics get, for all or by name or pattern (default: "+
			"create_topics of the cluster, else that of its brokers)")
}

func parseCount[T int16 | int32](text string) (T, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt32 || int64(T(n)) != n {
		return 0, errors.New("write 1 or more, such as 3, or topic=3")
	}
	return T(n), nil
}

func parseRetention(text string) (time.Duration, error) {
	if text == "forever" {
		return -1, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Millisecond {
		return 0, errors.New("write a time such as 168h, or forever, or topic=168h")
	}
	return d, nil
}
