package audit

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Finding is what is wrong with a topic of the audit that exists.
type Finding struct {
	Topic   string
	Setting string // such as "cleanup.policy"
	Value   string // that it has
	Wrong   string // what this does to the audit
	Write   string // what to write instead
	Breaks  bool   // the audit does not work with it; else it works, with a drawback
}

// String returns the finding as a line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %q: %s: write %s", f.Topic, f.Setting, f.Value, f.Wrong, f.Write)
}

// CheckStatementTopic returns what is wrong with a statement topic that exists, worst first. opts
// are those of kgo that say where Kafka is. The error says why that cannot be known.
func CheckStatementTopic(ctx context.Context, topic string, opts ...kgo.Opt) ([]Finding, error) {
	return checkTopic(ctx, topic, opts, (*topicFacts).checkStatements)
}

// CheckHeartbeatTopic is CheckStatementTopic for the topic of heartbeats.
func CheckHeartbeatTopic(ctx context.Context, topic string, opts ...kgo.Opt) ([]Finding, error) {
	return checkTopic(ctx, topic, opts, (*topicFacts).checkHeartbeats)
}

// topicFacts is what is known of a topic, and what is wrong with it.
type topicFacts struct {
	topic    string
	settings map[string]string
	replicas int // the fewest of a partition
	brokers  int
	found    []Finding
}

func checkTopic(ctx context.Context, topic string, opts []kgo.Opt, check func(*topicFacts)) (
	[]Finding, error) {
	client, err := newClient(opts)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	t := &topicFacts{topic: topic, settings: make(map[string]string)}
	if err := t.ask(ctx, kadm.NewClient(client)); err != nil {
		return nil, fmt.Errorf("look at the settings of topic %q: %w", topic, err)
	}
	check(t)
	slices.SortStableFunc(t.found, func(a, b Finding) int {
		return int(bit(b.Breaks)) - int(bit(a.Breaks))
	})
	return t.found, nil
}

func (t *topicFacts) ask(ctx context.Context, admin *kadm.Client) error {
	described, err := admin.DescribeTopicConfigs(ctx, t.topic)
	if err == nil {
		var one kadm.ResourceConfig
		one, err = described.On(t.topic, nil)
		if err == nil {
			err = one.Err
		}
		for _, c := range one.Configs {
			t.settings[c.Key] = c.MaybeValue()
		}
	}
	if err != nil {
		return err
	}
	meta, err := admin.Metadata(ctx, t.topic)
	if err != nil {
		return err
	}
	t.brokers = len(meta.Brokers)
	for _, p := range meta.Topics[t.topic].Partitions {
		if t.replicas == 0 || len(p.Replicas) < t.replicas {
			t.replicas = len(p.Replicas)
		}
	}
	return nil
}

// say notes that a setting is wrong.
func (t *topicFacts) say(breaks bool, setting, wrong, write string) {
	t.found = append(t.found, Finding{Topic: t.topic, Setting: setting, Value: t.settings[setting],
		Wrong: wrong, Write: write, Breaks: breaks})
}

// number returns a setting that is a number. Brokers that do not name it are taken at their word.
func (t *topicFacts) number(setting string) (n int64, known bool) {
	n, err := strconv.ParseInt(t.settings[setting], 10, 64)
	return n, err == nil
}

// has reports whether a policy is among those of cleanup.policy.
func (t *topicFacts) has(policy string) bool {
	return slices.Contains(strings.Split(t.settings["cleanup.policy"], ","), policy)
}

const (
	// leastRetention is shorter than any audit remembers: readers that begin would not know what
	// was read before.
	leastRetention = time.Hour
	// leastMessage is more than a batch with one statement takes.
	leastMessage = 64 << 10
	// longHeartbeats is how long heartbeats may stay: nobody reads them after some seconds.
	longHeartbeats = 24 * time.Hour
)

func (t *topicFacts) checkStatements() {
	if t.settings["cleanup.policy"] != "" && !t.has("compact") {
		t.say(true, "cleanup.policy", "every version of each statement stays, and all are read at "+
			"each start", "compact,delete")
	}
	t.checkRetention()
	if kind := t.settings["message.timestamp.type"]; kind != "" && kind != "LogAppendTime" {
		t.say(false, "message.timestamp.type", "the clocks of the instances decide when "+
			"statements are deleted, and who is silent", "LogAppendTime")
	}
	if n, known := t.number("max.message.bytes"); known && n < leastMessage {
		t.say(true, "max.message.bytes", "statements are larger", fmt.Sprintf("at least %d",
			leastMessage))
	}
	if t.replicas == 1 && t.brokers > 1 {
		t.settings["replicas"] = "1"
		t.say(false, "replicas", "one broker that is lost takes statements with it",
			fmt.Sprint(min(3, t.brokers)))
	}
	t.checkInSync()
}

// checkRetention looks at how long statements stay.
func (t *topicFacts) checkRetention() {
	ms, known := t.number("retention.ms")
	kept := time.Duration(min(ms, int64(time.Duration(1<<62)/time.Millisecond))) * time.Millisecond
	switch deletes := t.has("delete"); {
	case !known:
	case t.has("compact") && !deletes:
		t.say(false, "cleanup.policy", "statements are never deleted, so the topic grows for ever",
			"compact,delete")
	case ms < 0:
		t.say(false, "retention.ms", "statements are never deleted, so the topic grows for ever",
			Retention)
	case kept < leastRetention:
		t.say(true, "retention.ms", "statements are deleted while they are needed", Retention)
	case kept < Horizon:
		t.say(false, "retention.ms", fmt.Sprintf("statements are deleted after %v, and a report "+
			"is of the last %v", kept, Horizon), Retention)
	}
}

// checkInSync looks whether anything can be written at all.
func (t *topicFacts) checkInSync() {
	n, known := t.number("min.insync.replicas")
	if known && t.replicas > 0 && n > int64(t.replicas) {
		t.say(true, "min.insync.replicas", fmt.Sprintf("nothing can be written: partitions have "+
			"%d replicas", t.replicas), fmt.Sprintf("at most %d", t.replicas))
	}
}

func (t *topicFacts) checkHeartbeats() {
	if t.has("compact") {
		t.say(true, "cleanup.policy", "heartbeats have no keys, so a compacted topic refuses them",
			"delete")
	}
	ms, known := t.number("retention.ms")
	if known && (ms < 0 || ms > longHeartbeats.Milliseconds()) {
		t.say(false, "retention.ms", "heartbeats pile up, and nobody reads old ones", "3600000")
	}
	t.checkInSync()
}
