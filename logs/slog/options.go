package slog

import (
	"context"
	"log/slog"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Options are the options of a Handler. A nil *Options means the zero value.
type Options struct {
	// Level is the lowest level that is sent. Nil means slog.LevelInfo. It is asked for each line,
	// so a *slog.LevelVar changes it.
	Level slog.Leveler

	// AddSource adds the member "source": function, file and line of the call.
	AddSource bool

	// ReplaceAttr rewrites each attribute before it is written, as that of slog.HandlerOptions. If
	// it panics, the attribute is written with the text of the panic as its value.
	ReplaceAttr func(groups []string, a slog.Attr) slog.Attr

	// Priorities has the priority of a line by its level. A line has that of the highest level in
	// the table that is not above its own. A line below all of them has no priority of its own
	// (routing.Unset): the rules for the topic decide. Nil means high from slog.LevelError on,
	// medium from slog.LevelInfo on, and low below. New rejects priorities that do not exist.
	Priorities map[slog.Level]routing.Priority

	// Key returns the key of a line's record; nil means none. It runs in each call of the logger
	// and must not log through this handler. Its result is not used after that call. If Key panics,
	// the line has no key.
	Key func(ctx context.Context, r slog.Record) []byte

	// Headers are the headers of each record. New copies them, and rejects one without a key.
	Headers []producer.Header

	// Fields are attributes of each line, outside of all groups: the name of the service, for
	// example.
	Fields []slog.Attr

	// Drops gets a line at level warn, "log lines were dropped", when lines were dropped: at most
	// once a minute, with the counts since the last one. A goroutine of its own calls it, so it may
	// block or panic, but a call that does not return stops later lines. Nil reports nothing. It
	// must not be a handler that sends through the same producer.
	Drops slog.Handler
}

// defaultPriorities is what a nil Priorities means.
var defaultPriorities = map[slog.Level]routing.Priority{
	slog.LevelError: routing.High, slog.LevelInfo: routing.Medium, minLevel: routing.Low,
}

const minLevel = slog.Level(-1 << (32 - 1)) // below all levels that are in use
