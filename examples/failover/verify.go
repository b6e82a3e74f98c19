package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// place is where a record stands.
type place struct {
	cluster, topic string
	partition      int32
	offset         int64
}

// check compares what was accepted, what was reported and what is in the logs of the clusters. It
// returns nil only if each accepted record has one outcome and the refused have none, what was
// delivered is where its report says, what was lost is nowhere, what is there twice was counted as
// maybe duplicated, and keys are in order in each cluster.
func check(accepted []bool, fates map[uint64]fate, logs map[string][]*kgo.Record) error {
	var unknown, disordered finding
	places := make([][]place, len(accepted))
	last := make(map[string]int)
	for _, cluster := range slices.Sorted(maps.Keys(logs)) {
		for _, r := range logs[cluster] {
			number, err := strconv.Atoi(string(r.Value))
			if err != nil || number < 0 || number >= len(accepted) {
				unknown.add(string(r.Value))
				continue
			}
			again := len(places[number]) > 0
			places[number] = append(places[number], place{cluster, r.Topic, r.Partition, r.Offset})
			key := cluster + " " + string(r.Key)
			switch {
			case r.Key == nil || again: // it counts where it stands first
			case number < last[key]:
				disordered.add(number)
			default:
				last[key] = number
			}
		}
	}
	return errors.Join(
		unknown.err("in a log and never sent"),
		disordered.err("not in the order of their key"),
		outcomes(accepted, fates, places),
	)
}

// outcomes compares what was reported of each record with where it stands.
func outcomes(accepted []bool, fates map[uint64]fate, places [][]place) error {
	var untold, missing, uninvited, uncounted finding
	for number, taken := range accepted {
		f, at := fates[uint64(number)], places[number]
		switch {
		case taken != (f.times == 1) || !taken && len(at) > 0:
			untold.add(number)
		case !taken:
		case f.Outcome == producer.Delivered && !f.standsIn(at):
			missing.add(number)
		case f.Outcome != producer.Delivered && f.Outcome != producer.PossiblyPersisted &&
			len(at) > 0:
			uninvited.add(number)
		case len(at) > 1 && !f.MaybeDuplicated:
			uncounted.add(number)
		}
	}
	return errors.Join(
		untold.err("accepted without one outcome, or refused with one"),
		missing.err("delivered and not where the report says"),
		uninvited.err("lost and in a log all the same"),
		uncounted.err("there twice and not counted as maybe duplicated"),
	)
}

// audit compares the books of the producer with what was accepted and reported.
func audit(s *producer.Stats, accepted []bool, fates map[uint64]fate) error {
	var want producer.Books
	for _, taken := range accepted {
		if taken {
			want.Accepted++
		}
	}
	delivered := make(map[string]uint64)
	for _, f := range fates {
		if f.Outcome == producer.Delivered {
			delivered[f.Cluster]++
			want.Delivered++
		}
		if f.MaybeDuplicated {
			want.MaybeDuplicated++
		}
	}
	is := s.Total
	if !is.Balanced() || is.Pending != 0 || is.Accepted != want.Accepted ||
		is.Delivered != want.Delivered || is.MaybeDuplicated != want.MaybeDuplicated {
		return fmt.Errorf("the books are %+v, and should have %+v", is, want)
	}
	for name, n := range delivered {
		if c := s.Clusters[name]; !c.Balanced() || c.Delivered != n {
			return fmt.Errorf("the books of %s are %+v, and %d were delivered by it", name, c.Books,
				n)
		}
	}
	return nil
}

// standsIn reports whether the record is where its report says. The broker may not have told the
// offset.
func (f *fate) standsIn(places []place) bool {
	for _, p := range places {
		if p.cluster == f.Cluster && p.topic == f.Topic && p.partition == f.Partition &&
			(f.Offset < 0 || p.offset == f.Offset) {
			return true
		}
	}
	return false
}

// finding is a number of records that something is wrong with.
type finding struct {
	count int
	first any
}

func (f *finding) add(record any) {
	if f.count == 0 {
		f.first = record
	}
	f.count++
}

func (f *finding) err(what string) error {
	if f.count == 0 {
		return nil
	}
	return fmt.Errorf("%s: %d, the first is %v", what, f.count, f.first)
}
