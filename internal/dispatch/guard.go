package dispatch

import (
	"fmt"

	"github.com/forebay-go/forebay/partitioner"
)

// Guard returns a partitioner that asks p, and what Sticky says instead where p panics or returns a
// partition that there is not. Each time, wrong is told of it.
func Guard(p partitioner.Partitioner, wrong func(what string)) partitioner.Partitioner {
	return &guard{p, wrong}
}

type guard struct {
	p     partitioner.Partitioner
	wrong func(what string)
}

func (g *guard) ForKey(topic string, key []byte, partitions int32) (chosen int32) {
	defer g.check("ForKey", &chosen, 0, partitions,
		func() int32 { return partitioner.ForKey(key, partitions) })
	return g.p.ForKey(topic, key, partitions)
}

func (g *guard) ForBatch(topic string, n uint64, well []int32, partitions int32) (chosen int32) {
	defer g.check("ForBatch", &chosen, partitioner.Any, partitions,
		func() int32 { return partitioner.Any })
	return g.p.ForBatch(topic, n, well, partitions)
}

// check is deferred by the methods, whose panics it ends.
func (g *guard) check(method string, chosen *int32, least, partitions int32, instead func() int32) {
	switch r := recover(); {
	case r != nil:
		*chosen = instead()
		g.wrong(fmt.Sprintf("%s panicked: %v", method, r))
	case *chosen < least || *chosen >= partitions:
		g.wrong(fmt.Sprintf("%s returned partition %d of %d", method, *chosen, partitions))
		*chosen = instead()
	}
}
