package audit

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Row is the account of one stream in one bucket.
type Row struct {
	Topic    string
	Bucket   Bucket
	Instance string // its ID, in hexadecimal, if it has stated nothing yet
	Run      uint64
	Started  time.Time // when that run began, by the clock of the instance
	Counts

	// Closed is set if the source has stated all that it will, and all of that is decided.
	Closed bool

	// Live is set if the source is alive, its topic is read, and this is one of the two newest
	// buckets of the source: what is open may be decided without anything being wrong.
	Live bool

	// Stranded records have no statement of what became of them, and will have none: their source
	// fell silent without an end, and readers have read all that it can have sent. They are among
	// Unsettled and Unclaimed.
	Stranded uint64

	// Before is set if the source had fallen silent before the agent began that made the report.
	// What is Stranded then says nothing about the time since.
	Before bool

	// Examples are sequences of the first records that were found lost, seen again without an
	// explanation, or out of order.
	Examples []uint64 `json:",omitempty"`
}

// Presence is what is known of an instance, or of a reader.
type Presence struct {
	Name string
	Run  uint64 `json:",omitempty"`
	// Started is when it began, by its own clock. Readers have none.
	Started time.Time     `json:",omitzero"`
	Ended   bool          // it has said that it ends
	Quiet   time.Duration `json:"-"` // since its newest statement was read

	// Silent is set if it has not ended, and its last three statements are missing.
	Silent   bool
	Unstated uint64 `json:",omitempty"` // see SourceStats
}

// PartitionReport is how far readers are in a partition.
type PartitionReport struct {
	Topic     string
	Partition int32
	Next      int64  // the offset after what was read without a gap
	Skipped   int64  // offsets that nobody reads: see Counts
	Bare      uint64 // records without a header
	Garbled   uint64 // records with a header that nobody can read
	Waiting   int    // runs of delivered records that readers have not come to
}

// Report is a ledger at one moment.
type Report struct {
	Total      Counts
	Rows       []Row // by topic, bucket and instance
	Sources    []Presence
	Readers    []Presence
	Partitions []PartitionReport
	Wrong      uint64 // records of the statement topic that are no statements of this version
}

// Report returns what is known at a time.
func (l *Ledger) Report(now time.Time) *Report { return l.reportSince(0, now) }

// reportSince is Report without the buckets before one, unless their sources, whose clocks may be
// behind, have stated something of them since the ledger began.
func (l *Ledger) reportSince(bucket Bucket, now time.Time) *Report {
	r := l.collect(bucket, now)
	for i := range r.Rows {
		r.Total.Add(&r.Rows[i].Counts)
	}
	slices.SortFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Bucket, b.Bucket),
			cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Run, b.Run))
	})
	byName := func(a, b Presence) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Run, b.Run))
	}
	slices.SortFunc(r.Sources, byName)
	slices.SortFunc(r.Readers, byName)
	slices.SortFunc(r.Partitions, func(a, b PartitionReport) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return r
}

// collect returns a report in no order, and without a total: what needs the lock.
func (l *Ledger) collect(bucket Bucket, now time.Time) *Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &Report{Wrong: l.wrong}
	if bucket == 0 {
		r.Rows = make([]Row, 0, len(l.accounts))
	}
	newest := make(map[origin]Bucket)
	for of := range l.accounts {
		from := origin{of.Instance, of.Run}
		newest[from] = max(newest[from], of.bucket)
	}
	for of, a := range l.accounts {
		if of.bucket >= bucket || a.fresh {
			r.Rows = append(r.Rows, l.row(of, a, newest[origin{of.Instance, of.Run}], now))
		}
	}
	for of, p := range l.sources {
		r.Sources = append(r.Sources, p.report(of.instance, of.run, now))
	}
	for name, p := range l.readers {
		r.Readers = append(r.Readers, p.report(name, 0, now))
	}
	for of, log := range l.logs {
		r.Partitions = append(r.Partitions, log.report(of))
	}
	return r
}

// row returns the row of an account. newest is the newest bucket of its source.
func (l *Ledger) row(of accountOf, a *account, newest Bucket, now time.Time) Row {
	source := l.sources[sourceOf{l.names[of.Instance], of.Run}]
	known := a.summary()
	row := Row{Topic: of.Topic, Bucket: of.bucket, Instance: l.name(of.Instance), Run: of.Run,
		Started: startOf(of.Run), Counts: known.counts, Closed: known.closed,
		Live: source != nil && source.live(now) && now.Before(l.tended[of.Topic]) &&
			of.bucket+1 >= newest,
		Examples: slices.Clone(known.examples)}
	if l.strands(of, a, source, now) {
		row.Stranded = row.Unsettled + row.Unclaimed
	}
	if row.Reasons = nil; len(known.counts.Reasons) > 0 {
		row.Reasons = maps.Clone(known.counts.Reasons)
	}
	return row
}

// strands reports whether nobody will state anything more about an account: its source fell silent
// so long ago that no statement is on its way, and readers were at the ends of the topic since
// then. A source that nobody has heard of is silent when nothing new of it was seen.
func (l *Ledger) strands(of accountOf, a *account, source *presence, now time.Time) bool {
	heard, patience := a.touched, Grace
	if source != nil {
		if source.ended {
			return false
		}
		heard, patience = source.heard, max(Grace, silence(source.interval))
	}
	return now.Sub(heard) > patience && l.allPast(of.Topic, heard.Add(patience))
}

// Since returns the report without the buckets before one.
func (r *Report) Since(bucket Bucket) *Report {
	shown := *r
	shown.Total, shown.Rows = Counts{}, nil
	for i := range r.Rows {
		if r.Rows[i].Bucket >= bucket {
			shown.Rows = append(shown.Rows, r.Rows[i])
			shown.Total.Add(&r.Rows[i].Counts)
		}
	}
	return &shown
}

// since marks what had fallen silent before a time.
func (r *Report) since(began, now time.Time) *Report {
	for i := range r.Rows {
		row := &r.Rows[i]
		for j := range r.Sources {
			p := &r.Sources[j]
			if p.Run == row.Run && p.Name == row.Instance {
				row.Before = p.Silent && now.Add(-p.Quiet).Before(began)
			}
		}
	}
	return r
}

// Open returns how many records are not decided. It leaves out rows that are Live, and what is
// Stranded since before the agent began.
func (r *Report) Open() (n uint64) {
	for i := range r.Rows {
		row := &r.Rows[i]
		switch {
		case row.Live:
		case row.Before:
			n += row.Counts.Open() - row.Stranded
		default:
			n += row.Counts.Open()
		}
	}
	return n
}

// Stranded returns how many records nobody will decide about: those of sources that fell silent
// before the agent began, and the others.
func (r *Report) Stranded() (before, since uint64) {
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Before {
			before += row.Stranded
		} else {
			since += row.Stranded
		}
	}
	return before, since
}

// waits returns how many records may still be decided.
func (r *Report) waits() uint64 {
	_, since := r.Stranded()
	return r.Open() - min(since, r.Open())
}

// Verdict is what a report comes to.
type Verdict string

// The verdicts.
const (
	// Whole means that all that is decided is as it should be, and nothing is open.
	Whole Verdict = "whole"
	// Faulty means that records are lost, there twice without an explanation, out of order, or
	// there although they were called lost.
	Faulty Verdict = "faulty"
	// Inconclusive means that nothing faulty was found, and that not all is decided.
	Inconclusive Verdict = "inconclusive"
)

// Verdict returns what the report comes to.
func (r *Report) Verdict() Verdict {
	switch {
	case r.Total.Faulty():
		return Faulty
	case r.Open() > 0, r.Total.Skipped+r.Total.Elsewhere > 0, r.Total.Numbered == 0,
		r.unstated() > 0:
		return Inconclusive
	}
	return Whole
}

// numbered returns how many numbers a run of an instance has stated.
func (r *Report) numbered(instance string, run uint64) (n uint64) {
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Instance == instance && row.Run == run {
			n += row.Numbered
		}
	}
	return n
}

// unstated returns how many records sources could not state, of those runs that are in the report.
func (r *Report) unstated() (n uint64) {
	shown := make(map[sourceOf]bool)
	for i := range r.Rows {
		if row := &r.Rows[i]; !row.Before {
			shown[sourceOf{row.Instance, row.Run}] = true
		}
	}
	for i := range r.Sources {
		if s := &r.Sources[i]; shown[sourceOf{s.Name, s.Run}] {
			n += s.Unstated
		}
	}
	return n
}

func (p *presence) report(name string, run uint64, now time.Time) Presence {
	return Presence{
		Name: name, Run: run, Started: p.started, Ended: p.ended, Quiet: now.Sub(p.heard),
		Unstated: p.unstated, Silent: !p.ended && !p.live(now),
	}
}

// live reports whether a source, or a reader, goes on.
func (p *presence) live(now time.Time) bool {
	return !p.ended && now.Sub(p.heard) <= silence(p.interval)
}

// silence is how long nothing may be heard of who states something once per interval.
func silence(interval time.Duration) time.Duration { return 3*interval + time.Second }

func (l *partitionLog) report(of partitionOf) PartitionReport {
	r := PartitionReport{Topic: of.topic, Partition: of.partition, Bare: l.bare,
		Garbled: l.garbled, Waiting: l.waiting.len()}
	if g := l.newest(); g != nil {
		r.Next, _ = g.passed.end()
		for _, s := range g.skipped {
			for _, part := range g.read.outside(s) {
				r.Skipped += part.upto - part.from
			}
		}
	}
	return r
}

// examples returns some sequences to look for.
func (a *account) examples() (found []uint64) {
	lost, copied := a.missing, a.copies
	if lost.bits != nil {
		lost.bits = lost.bits.Clone()
		lost.drop(&a.seen)
		gone := a.abroad()
		lost.drop(&gone)
	}
	if copied.bits != nil {
		copied.bits = copied.bits.Clone()
		copied.drop(&a.again)
	}
	behind := a.disordered()
	for _, set := range []*numbers{&lost, &copied, &behind} {
		found = append(found, set.some(3)...)
	}
	return found
}
