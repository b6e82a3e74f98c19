package admin

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Partition says where a new partition is placed.
type Partition struct {
	Topic    string
	Number   int32
	Replicas []int32 // node IDs; the first one leads
}

// shape is the size of an existing topic.
type shape struct {
	topic      string
	partitions int
	copies     int
}

// node is a broker.
type node struct {
	id   int32
	rack string
}

// place places add new partitions of each topic. Their leaders are the brokers of on in turn, from
// one topic to the next. Their other replicas go to the brokers of on as far as these are enough,
// and to as many racks as possible. It does no I/O.
func place(topics []shape, add int, on []int32, brokers []node) ([]Partition, error) {
	if len(on) == 0 {
		return nil, errors.New("no brokers for partitions: write --on with the brokers to use")
	}
	racks := make(map[int32]string)
	for _, b := range brokers {
		racks[b.id] = b.rack
	}
	held := make(map[int32]int) // replicas placed so far
	led := make(map[int32]int)
	var plan []Partition
	for _, t := range topics {
		if t.copies > len(brokers) {
			return nil, fmt.Errorf("topic %s has %s, but the cluster has only %s", t.topic,
				plural(t.copies, "replica", "replicas"), plural(len(brokers), "broker", "brokers"))
		}
		for i := range add {
			p := Partition{Topic: t.topic, Number: int32(t.partitions + i)}
			for range t.copies {
				id := next(p.Replicas, brokers, on, racks, led, held)
				p.Replicas = append(p.Replicas, id)
				held[id]++
			}
			led[p.Replicas[0]]++
			plan = append(plan, p)
		}
	}
	return plan, nil
}

// next returns the broker for the next replica of a partition: one of on if possible, then one in
// another rack, then the one with the fewest replicas. The first replica leads.
func next(replicas []int32, brokers []node, on []int32, racks map[int32]string, led,
	held map[int32]int) int32 {
	better := func(a, b node) int {
		rank := func(n node) []int {
			there := slices.ContainsFunc(replicas,
				func(id int32) bool { return racks[id] == n.rack && n.rack != "" })
			r := []int{number(!slices.Contains(on, n.id)), number(there), held[n.id]}
			if len(replicas) == 0 {
				r = []int{r[0], led[n.id], held[n.id]}
			}
			return r
		}
		return cmp.Or(slices.Compare(rank(a), rank(b)), cmp.Compare(a.id, b.id))
	}
	free := slices.DeleteFunc(slices.Clone(brokers),
		func(n node) bool { return slices.Contains(replicas, n.id) })
	return slices.MinFunc(free, better).id
}

// number returns 1 for true, 0 for false.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
