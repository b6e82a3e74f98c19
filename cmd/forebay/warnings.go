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

// warnings is the log of the library: it prints each warning as a line with its topic, its reason
// or error, and the remedy. The progress shows the rest.
type warnings struct {
	screen interface{ say(text string) }
	least  zapcore.Level // the lowest level that is printed
}

// Enabled reports whether entries of that level are printed.
func (w warnings) Enabled(level zapcore.Level) bool { return level >= w.least }

// With returns w: the fields that all lines share name the cluster, and there is only one.
func (w warnings) With([]zapcore.Field) zapcore.Core { return w }

// Check adds w to the entry if w prints it.
func (w warnings) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if w.Enabled(e.Level) {
		return ce.AddCore(e, w)
	}
	return ce
}

// Write prints e.
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
	if host, ok := values.Fields["host"]; ok {
		text += fmt.Sprintf(": broker %v (%v): %v", values.Fields["broker"], host,
			values.Fields["state"])
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

// toldElsewhere are the reasons that losses leaves out.
var toldElsewhere = []string{producer.ErrBufferFull.Error(), producer.ReasonClosed.String(),
	producer.ReasonUnansweredClose.String()}

// losses returns how many records were lost for each reason, if the fields count them by priority.
// It leaves out records that were refused for lack of room, because the command sends them again,
// and records that Close gave up, because the last line counts them.
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

// Sync does nothing: no lines are buffered.
func (w warnings) Sync() error { return nil }
