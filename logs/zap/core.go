package zap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/internal/ownline"
	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/logs/internal/levels"
	"github.com/forebay-go/forebay/logs/internal/sink"
	"github.com/forebay-go/forebay/producer"
)

// Core is a zapcore.Core that sends each line as a record. Make one with New.
type Core struct {
	*shared
	encoder zapcore.Encoder // has the fields of With; not changed once it is set
	own     bool            // With has said that the lines are Forebay's own
}

var _ zapcore.Core = (*Core)(nil)

// shared is what a Core and all that derive from it have in common.
type shared struct {
	sink       *sink.Sink
	level      zapcore.LevelEnabler
	priorities levels.Table[zapcore.Level]
	key        func(zapcore.Entry, []zapcore.Field) []byte
	wait       time.Duration // of Sync
}

// New returns a Core that sends lines with s to topic. The error names every argument and option
// that is wrong, and what to write instead. New does no I/O. The Core does not close s.
func New(s producer.Sender, topic string, o *Options) (*Core, error) {
	if o == nil {
		o = new(Options)
	}
	set := sink.Settings{Sender: s, Topic: topic, Headers: o.Headers}
	if o.Drops != nil {
		set.Tell = sink.Log(zap.New(o.Drops, zap.Fields(ownline.Field())))
	}
	to, err := sink.New(set)
	table, wrong := levels.New(o.Priorities, defaultPriorities)
	if err = errors.Join(err, wrong); o.SyncTimeout < 0 {
		err = errors.Join(err, fmt.Errorf("option SyncTimeout: %v is negative: write 0 if Sync is "+
			"not to wait", o.SyncTimeout))
	}
	if err != nil {
		return nil, err
	}
	c := &Core{shared: &shared{sink: to, level: o.Level, priorities: table, key: o.Key,
		wait: o.SyncTimeout}}
	if c.level == nil {
		c.level = zapcore.InfoLevel
	}
	if c.encoder = o.Encoder; c.encoder == nil {
		c.encoder = zapcore.NewJSONEncoder(EncoderConfig())
	}
	return c.with(o.Fields), nil
}

// Enabled reports whether lines of that level are sent.
func (c *Core) Enabled(l zapcore.Level) bool { return c.level.Enabled(l) }

// With returns a Core whose lines have the fields, too. They are encoded now.
func (c *Core) With(fields []zapcore.Field) zapcore.Core { return c.with(fields) }

func (c *Core) with(fields []zapcore.Field) *Core {
	return &Core{c.shared, withFields(c.encoder, fields), c.own || ownline.Among(fields)}
}

// Check adds c to those that write the entry, if its level is sent.
func (c *Core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write sends the line. It returns nil, whatever becomes of the line, and never waits, but for a
// line of level fatal with Options.SyncTimeout.
func (c *Core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if c.own || ownline.Among(fields) {
		c.sink.Own()
		return nil
	}
	c.write(e, fields)
	if e.Level == zapcore.FatalLevel {
		_ = c.Sync()
	}
	return nil
}

// Sync waits until every record of the producer has an outcome, but not longer than
// Options.SyncTimeout. If that was too short, it returns the error of Flush. It returns nil at once
// if that option is zero, or the sender has no Flush.
func (c *Core) Sync() error {
	if c.wait == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.wait)
	defer cancel()
	return c.sink.Flush(ctx)
}

// Stats returns the counts of this Core, of the one that New has returned, and of all that derive
// from it: they count together.
func (c *Core) Stats() logs.Stats { return c.sink.Stats() }
