package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// account is what became of each event. It is safe for concurrent use.
type account struct {
	mu    sync.Mutex // guards what follows
	fates []fate     // by the number of the event, which is its tag
	err   error      // why Send has refused the last that it did
}

// fate is what became of one event.
type fate struct {
	refused bool
	told    int // reports of it
	outcome producer.Outcome
	doubted bool // it was counted as maybe duplicated
}

// open returns the number of a new event.
func (a *account) open() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fates = append(a.fates, fate{})
	return uint64(len(a.fates) - 1)
}

// sent notes what Send has returned.
func (a *account) sent(number uint64, err error) {
	if err == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fates[number].refused, a.err = true, err
}

// report is the producer's delivery callback.
func (a *account) report(r producer.Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &a.fates[r.Tag]
	f.told, f.outcome, f.doubted = f.told+1, r.Outcome, r.MaybeDuplicated
}

// check compares what was sent with what was reported, what is in Kafka, and the producer's books.
// It returns nil only if nothing was lost silently: each event has one outcome, and what was
// delivered is there.
func (a *account) check(stats *producer.Stats, log []*kgo.Record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	there := make([]int, len(a.fates))
	for _, r := range log {
		var e struct{ Number uint64 }
		if err := json.Unmarshal(r.Value, &e); err != nil || e.Number >= uint64(len(there)) {
			return fmt.Errorf("in Kafka, and never sent: %q", r.Value)
		}
		there[e.Number]++
	}
	var untold, missing, uninvited, repeated int
	var want producer.Books
	for number, f := range a.fates {
		if f.refused {
			want.Refused++
		} else {
			want.Accepted++
		}
		if f.outcome == producer.Delivered {
			want.Delivered++
		}
		switch n := there[number]; {
		case f.refused != (f.told == 0) || f.told > 1:
			untold++
		case f.outcome == producer.Delivered && n == 0:
			missing++
		case f.outcome != producer.Delivered && f.outcome != producer.PossiblyPersisted && n > 0:
			uninvited++
		case n > 1 && !f.doubted:
			repeated++
		}
	}
	is := &stats.Total
	if !is.Balanced() || is.Pending != 0 || is.Accepted != want.Accepted ||
		is.Delivered != want.Delivered || is.Refused != want.Refused {
		return fmt.Errorf("the books do not balance: they are %+v, and should have %+v", *is, want)
	}
	return errors.Join(
		some(untold, "have not one outcome"),
		some(missing, "were delivered and are not in Kafka"),
		some(uninvited, "were lost and are in Kafka all the same"),
		some(repeated, "are in Kafka more than once and were not counted as maybe duplicated"),
	)
}

func some(n int, what string) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d events %s", n, what)
}
