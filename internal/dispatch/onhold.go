package dispatch

import (
	"fmt"
	"strings"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
)

// overdue returns the verdict on a batch that has waited for too long: for its Hold, or for
// something else, which is the given reason.
func overdue(b *buffer.Batch, outcome delivery.Outcome, reason delivery.Reason) Verdict {
	v := Verdict{Outcome: outcome, Reason: reason, Partition: b.Partition()}
	if h := b.Hold(); h != nil {
		v.Reason, v.Err = delivery.SchemaUnknown, WaitsForHold(h)
	}
	return v
}

// WaitsForHold returns the error of records that were given up while they were on hold.
func WaitsForHold(h *buffer.Hold) error { return fmt.Errorf("it waited for %v", h) }

// findOnHold finds what records of a topic are kept back for. It may be hidden that topics wait for
// something else, so they are not blamed.
func (t *troubles) findOnHold(ts *topicState) {
	n, holds := ts.t.OnHold()
	if n == 0 {
		return
	}
	blamed := ts.blamed
	f := t.find(ts, delivery.CauseSchemaUnknown, -1)
	ts.blamed = blamed
	f.Records, f.Reason = n, waitFor(holds)
}

// holdsMax is how many Holds are listed.
const holdsMax = 3

// waitFor says in words what records are kept back for.
func waitFor(holds []*buffer.Hold) string {
	var words []string
	for _, h := range holds[:min(len(holds), holdsMax)] {
		words = append(words, h.String())
	}
	text := "records are kept back for " + strings.Join(words, "; ")
	if more := len(holds) - holdsMax; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// OnHold says in words what records of a topic of l are kept back for, of all if topic is empty.
func (l *Lane) OnHold(topic string) (words []string) {
	topics, _ := l.Buffer.Topics()
	for _, t := range topics {
		if topic != "" && t.Name() != topic {
			continue
		}
		if n, holds := t.OnHold(); n > 0 {
			words = append(words, "topic "+t.Name()+": "+waitFor(holds))
		}
	}
	return words
}
