package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// warnings is where the library logs to: each warning is a line of the screen, with its topic, its
// error or reason, and the remedy. What else the library logs is in the progress.
type warnings struct {
	screen display
	least  zapcore.Level // that is shown
}

// Enabled reports whether something of that level is shown.
func (w warnings) Enabled(level zapcore.Level) bool { return level >= w.least }

// With returns w: the fields that all lines have in common say which cluster, and there is one.
func (w warnings) With([]zapcore.Field) zapcore.Core { return w }

// Check has an entry written if it is shown.
func (w warnings) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if w.Enabled(e.Level) {
		return ce.AddCore(e, w)
	}
	return ce
}

// Write shows e.
func (w warnings) Write(e zapcore.Entry, fields []zapcore.Field) error {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(values)
	}
	text := "forebay: " + e.Message
	if lost, counted := losses(values.Fields); counted {
		if len(lost) == 0 {
			return nil
		}
		text = "forebay: records were lost: " + strings.Join(lost, ", ")
	}
	if topic, ok := values.Fields["topic"]; ok && topic != "" {
		text += fmt.Sprintf(": topic %v", topic)
	}
	for _, key := range []string{"reason", "error"} {
		if v, ok := values.Fields[key]; ok {
			text += fmt.Sprintf(": %v", v)
		}
	}
	if remedy, ok := values.Fields["remedy"]; ok && remedy != "" {
		text += fmt.Sprintf("; %v", remedy)
	}
	for _, key := range []string{"mistakes", "changes"} {
		if lines, ok := values.Fields[key].([]any); ok {
			text += fmt.Sprintf(":\n  %s", strings.Join(toStrings(lines), "\n  "))
		}
	}
	w.screen.say(text)
	return nil
}

var toldElsewhere = []string{producer.ErrBufferFull.Error(), producer.ReasonClosed.String(),
	producer.ReasonUnansweredClose.String()}

// losses lists how many records were lost for which reason, where the fields count that for each
// priority. It leaves out what was refused for lack of room, for the command sends that again, and
// what Close gave up, for the last line says so.
func losses(fields map[string]any) (lost []string, counted bool) {
	sums := make(map[string]uint64)
	for p := routing.Low; p <= routing.High; p++ {
		reasons, ok := fields[p.String()].(map[string]any)
		counted = counted || ok
		for reason, n := range reasons {
			if n, ok := n.(uint64); ok && !slices.Contains(toldElsewhere, reason) {
				sums[reason] += n
			}
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(sums)) {
		lost = append(lost, count(sums[reason])+" "+reason)
	}
	return lost, counted
}

// toStrings returns values as text.
func toStrings(values []any) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return texts
}

// Sync does nothing: lines are not kept.
func (w warnings) Sync() error { return nil }
