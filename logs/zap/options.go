package zap

import (
	"math"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Options are the options of a Core. A nil *Options means the zero value.
type Options struct {
	// Level says which lines are sent. Nil means zapcore.InfoLevel and above. It is asked for each
	// line, so a zap.AtomicLevel changes it.
	Level zapcore.LevelEnabler

	// Encoder writes the lines. Nil means JSON as EncoderConfig describes it. If it writes newlines
	// at the end of lines, they are sent. New clones it.
	Encoder zapcore.Encoder

	// Priorities has the priority of a line by its level. A line has that of the highest level in
	// the table that is not above its own. A line below all of them has no priority of its own
	// (routing.Unset): the rules for the topic decide. Nil means high from zapcore.ErrorLevel on,
	// medium from zapcore.InfoLevel on, and low below. New rejects priorities that do not exist.
	Priorities map[zapcore.Level]routing.Priority

	// Key returns the key of a line's record; nil means none. It gets the fields of the line
	// without those of With. It runs in each call of the logger and must not log through this core.
	// Its result is not used after that call. If Key panics, the line has no key.
	Key func(entry zapcore.Entry, fields []zapcore.Field) []byte

	// Headers are the headers of each record. New copies them, and rejects one without a key.
	Headers []producer.Header

	// Fields are fields of each line: the name of the service, for example.
	Fields []zapcore.Field

	// Drops gets a line at level warn, "log lines were dropped", when lines were dropped: at most
	// once a minute, with the counts since the last one. A goroutine of its own calls it, so it may
	// block or panic, but a call that does not return stops later lines. Nil reports nothing. It
	// must not be a core that sends through the same producer.
	Drops zapcore.Core

	// SyncTimeout is how long Sync waits at most for the delivery of all records of the producer.
	// Sync is called by the application, and by this core after a line of level fatal, before zap
	// ends the program. Zero means that Sync does not wait. New rejects negative values.
	SyncTimeout time.Duration
}

// EncoderConfig returns the configuration of the encoder that a nil Options.Encoder means. Lines
// have "time" in RFC 3339, "level" in capitals, "logger", "caller", "msg" and "stacktrace".
// Durations are in nanoseconds.
func EncoderConfig() zapcore.EncoderConfig {
	c := zap.NewProductionEncoderConfig()
	c.TimeKey, c.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	c.EncodeLevel, c.EncodeDuration = zapcore.CapitalLevelEncoder, zapcore.NanosDurationEncoder
	c.SkipLineEnding = true
	return c
}

// defaultPriorities is what a nil Priorities means.
var defaultPriorities = map[zapcore.Level]routing.Priority{
	zapcore.ErrorLevel: routing.High, zapcore.InfoLevel: routing.Medium, math.MinInt8: routing.Low,
}
