package audit

import (
	"errors"
	"fmt"
	"time"
)

// HeartbeatTopic is where heartbeats go if the settings say nothing else.
const HeartbeatTopic = "forebay-heartbeat"

// HeartbeatConfig says how brokers are watched.
type HeartbeatConfig struct {
	// Topic is the topic of heartbeats. Each broker that is to be watched leads a partition of it,
	// as CreateHeartbeatTopic makes it. The default is HeartbeatTopic, "forebay-heartbeat".
	Topic string `yaml:"topic"`

	// Interval is the time between two heartbeats to a partition. The default is 1 s. Values below
	// 100 ms and above a minute are rejected.
	Interval time.Duration `yaml:"interval"`

	// Slow is how long an acknowledgement may take until its broker is called slow. The default is
	// 500 ms. A broker is called dead when nothing was acknowledged for three intervals and Slow.
	Slow time.Duration `yaml:"slow"`
}

func (c *HeartbeatConfig) complete() error {
	var wrong []error
	if c.Topic == "" {
		c.Topic = HeartbeatTopic
	}
	if err := legal(c.Topic); err != nil {
		wrong = append(wrong, fmt.Errorf("topic: %w", err))
	}
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	if c.Interval < leastInterval || c.Interval > time.Minute {
		wrong = append(wrong, fmt.Errorf("interval: %v: write %v to %v", c.Interval, leastInterval,
			time.Minute))
	}
	if c.Slow == 0 {
		c.Slow = 500 * time.Millisecond
	}
	if c.Slow < time.Millisecond || c.Slow > time.Minute {
		wrong = append(wrong, fmt.Errorf("slow: %v: write 1ms to %v", c.Slow, time.Minute))
	}
	return errors.Join(wrong...)
}

// dead is after how long without an acknowledgement a broker is dead.
func (c *HeartbeatConfig) dead() time.Duration { return 3*c.Interval + c.Slow }
