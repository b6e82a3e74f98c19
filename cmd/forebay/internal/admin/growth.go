package admin

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Partition is where a new partition will lie.
type Partition struct {
	Topic    string
	Number   int32
	Replicas []int32 // node IDs; the first one leads
}

// shape is what there is of a topic.
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

// place returns where the new partitions of some topics will lie: each topic gets add more of them.
// All are led by the brokers of on, in turn, from one topic to the next; so are their copies, as
// far as those are enough, in as many racks as there are. It is pure.
func place(topics []shape, add int, on []int32, brokers []node) ([]Partition, error) {
	if len(on) == 0 {
		return nil, errors.New("no broker to place partitions on")
	}
	racks := make(map[int32]string)
	for _, b := range brokers {
		racks[b.id] = b.rack
	}
	held := make(map[int32]int) // copies that were placed
	led := make(map[int32]int)
	var plan []Partition
	for _, t := range topics {
		if t.copies > len(brokers) {
			return nil, fmt.Errorf("topic %s has %s, and there are %s", t.topic,
				plural(t.copies, "copy", "copies"), plural(len(brokers), "broker", "brokers"))
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

// next returns the broker for one more copy of a partition: one of on, then one in a rack that has
// none, then the one that got least. The first copy leads.
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

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
