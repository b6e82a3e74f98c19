package producertest

import (
	"fmt"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/producer"
)

// onHold is an accepted record that waits for its Hold, and what becomes of it then.
type onHold struct {
	accepted
	index int // of the record in Recorder.records
	step  Step
}

// keeper is a Recorder as a Hold sees it.
type keeper struct{ r *Recorder }

// keepLocked keeps a record back that waits for its Hold, and reports whether it does: not where a
// script loses it. If the Hold is released, it writes the patch into a and the record that was
// noted last.
func (r *Recorder) keepLocked(a *accepted, step Step) bool {
	h, last := a.record.Hold, len(r.records)-1
	if h == nil {
		return false
	}
	_, released := buffer.Patched(h, nil)
	loses := !step.holds && step.report.Outcome != producer.Delivered
	switch {
	case !released && loses:
	case !released && buffer.Keep(h, keeper{r}):
		r.onHold = append(r.onHold, onHold{*a, last, step})
		return true
	default:
		r.patchLocked(a, last)
	}
	return false
}

// patchLocked writes the patch of a released Hold into a record.
func (r *Recorder) patchLocked(a *accepted, index int) {
	a.record.Value, _ = buffer.Patched(a.record.Hold, a.record.Value)
	a.record.Hold = nil
	r.records[index].Value, r.records[index].Hold = a.record.Value, nil
}

// Released gives the records that have waited for h what their scripts say.
func (k keeper) Released(h *producer.Hold) {
	r := k.r
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.onHold[:0]
	for _, o := range r.onHold {
		if o.record.Hold != h {
			left = append(left, o)
			continue
		}
		r.patchLocked(&o.accepted, o.index)
		r.settleLocked(o.accepted, o.step)
	}
	clear(r.onHold[len(left):])
	r.onHold = left
	r.noteLocked()
}

// loseOnHoldLocked ends the records that wait for a Hold as Close does.
func (r *Recorder) loseOnHoldLocked() {
	for _, o := range r.onHold {
		buffer.Leave(o.record.Hold, keeper{r})
		r.resolveLocked(o.accepted, Lose(producer.Shed, producer.ReasonSchemaUnknown))
		r.leftOnHold++
	}
	r.onHold = nil
}

// waitsLocked says in words what has no outcome, empty if all have.
func (r *Recorder) waitsLocked() string {
	switch {
	case len(r.onHold) > 0:
		return fmt.Sprintf("%d records are kept back, the first for %v", len(r.onHold),
			r.onHold[0].record.Hold)
	case len(r.held) > 0:
		return fmt.Sprintf("records that a script holds: %d", len(r.held))
	}
	return ""
}
