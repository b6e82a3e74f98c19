package drive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/forebay-go/forebay/bench/client"
)

// grace is how long a call may outlast the time of the load before it counts as stuck.
const grace = 2 * time.Second

// Ready is the line that a driver writes when it is ready to begin.
const Ready = "ready"

// Run drives the client of that name and returns what it measured, errors too.
func Run(name string, l *Load, in io.Reader, out io.Writer) *Result {
	r := &Result{Client: name}
	if err := run(name, l, in, out, r); err != nil {
		r.Error = err.Error()
	}
	return r
}

func run(name string, l *Load, in io.Reader, out io.Writer, r *Result) error {
	callers, err := makeCallers(name, l)
	if err != nil {
		return err
	}
	r.Told = callers[0].c.Told()
	warmed := warm(callers, l)
	if err := await(in, out); err != nil {
		return err
	}
	if l.Fill {
		fill(callers[0])
	}
	before := count(callers) // also what was refused while it was filled
	var held *heldMeter
	if l.Held {
		held = beginHeld()
	}
	runtime.GC() // of what the warm-up left
	began := used()
	stuck := makeCalls(callers, began.at, l.For)
	r.CallNanos = int64(time.Since(began.at))
	if l.Held {
		r.Held = held.end()
	}
	switch {
	case stuck:
		r.Unfinished = "a call did not return"
	case l.Finish > 0:
		if err := finish(callers, l.Finish); err != nil {
			r.Unfinished = err.Error()
		}
		r.Finished = r.Unfinished == ""
	}
	began.since(r)
	sum(callers, l, warmed, before, r)
	if held != nil {
		r.Held.Records = r.Accepted - r.Counts.Delivered - r.Counts.Failed
	}
	if j := callers[0].journal; j != nil {
		return j.write(l.Journal)
	}
	return nil
}

func makeCallers(name string, l *Load) ([]*caller, error) {
	values, err := Values(l.Values, l.Logs)
	if err != nil {
		return nil, err
	}
	l.RecordBytes = SizeOf(l.Values)
	var j *journal
	var listen client.Listener
	if l.Journal != "" {
		if l.bounded() == 0 {
			return nil, errors.New("a journal needs a number of records that is known beforehand")
		}
		j = newJournal(l.bounded())
		listen = j.listen
	}
	callers := make([]*caller, l.instances())
	for i := range callers {
		settings := l.Settings
		settings.BoundBytes /= int64(len(callers))
		c, err := client.New(name, settings, listen)
		if err != nil {
			return nil, fmt.Errorf("make a client: %w", err)
		}
		callers[i] = &caller{c: c, load: l, index: i, values: values, journal: j}
	}
	return callers, nil
}

// warm has each client find its brokers and fill its pools, and returns how many records that took.
func warm(callers []*caller, l *Load) (accepted int64) {
	if l.Warm == 0 {
		return 0
	}
	start := time.Now()
	for i := range l.Warm {
		a := callers[i%len(callers)]
		seq := uint64(i / len(callers))
		if a.c.Send(l.Topics[int(seq)%len(l.Topics)], a.partition(seq), a.values[i%len(a.values)],
			^uint64(0)) {
			accepted++
		}
		if i%20 == 19 {
			time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / WarmPerSecond)))
		}
	}
	time.Sleep(settleLeast)
	for start = time.Now(); time.Since(start) < settleMost; time.Sleep(time.Millisecond) {
		if c := count(callers); c.Uncounted || c.Delivered+c.Failed+c.Refused >= accepted {
			break
		}
	}
	return accepted
}

// fill sends until a record is refused, or a call does not return.
func fill(a *caller) {
	full := make(chan struct{})
	go func() { // where a call waits, this one does until there is room
		defer close(full)
		for i := 0; a.c.Counts().Refused == 0 &&
			a.c.Send(a.load.Topics[0], 0, a.values[i%len(a.values)], ^uint64(0)); i++ {
		}
	}()
	select {
	case <-full:
	case <-time.After(grace):
	}
}

func await(in io.Reader, out io.Writer) error {
	if _, err := fmt.Fprintln(out, Ready); err != nil {
		return err
	}
	_, err := bufio.NewReader(in).ReadString('\n')
	return err
}

// makeCalls returns when all calls are made, or one is stuck.
func makeCalls(callers []*caller, start time.Time, limit time.Duration) (stuck bool) {
	var all sync.WaitGroup
	for _, a := range callers {
		all.Go(func() { a.run(start) })
	}
	done := make(chan struct{})
	go func() { // ends with the callers, or with the process
		defer close(done)
		all.Wait()
	}()
	select {
	case <-done:
		return false
	case <-time.After(time.Until(start.Add(limit))):
	}
	// In small steps: where the machine did not let this process run for a while, no call was stuck
	// for it.
	const steps = 20
	for range steps {
		select {
		case <-done:
			return false
		case <-time.After(grace / steps):
		}
	}
	return true
}

func finish(callers []*caller, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	errs := make(chan error, len(callers))
	for _, a := range callers {
		go func() { errs <- a.c.Finish(ctx) }()
	}
	var all error
	for range callers {
		all = errors.Join(all, <-errs)
	}
	return all
}

func count(callers []*caller) (all client.Counts) {
	for _, a := range callers {
		c := a.c.Counts()
		all.Delivered += c.Delivered
		all.Failed += c.Failed
		all.Refused += c.Refused
		all.Uncounted = all.Uncounted || c.Uncounted
	}
	return all
}

// sum puts together what the callers have counted, without the warm-up.
func sum(callers []*caller, l *Load, warmed int64, before client.Counts, r *Result) {
	r.Counts = count(callers)
	if !r.Counts.Uncounted {
		r.Counts.Delivered = max(0, r.Counts.Delivered-warmed)
	}
	r.Counts.Failed -= before.Failed
	r.Counts.Refused -= before.Refused
	refused := int64(0)
	for _, a := range callers {
		r.Calls += a.calls.Load()
		refused += a.refused.Load()
		if f, ok := a.c.(interface{ FirstFailure() string }); ok && r.Failed == "" {
			r.Failed = f.FirstFailure()
		}
		if l.Timed {
			r.Latency.merge(a.latency())
		}
	}
	r.Accepted = r.Calls - refused - r.Counts.Refused
	r.Counts.Refused += refused
	if r.Due = r.Calls; l.PerSecond > 0 {
		r.Due = int64(float64(l.PerSecond) * l.For.Seconds())
	}
}
