package hostile

import (
	"math/rand/v2"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Trust says what can be demanded of the records while a mutation is served.
type Trust uint8

// The degrees of trust.
const (
	Honest    Trust = iota // nothing that is said of a batch is untrue: everything can be demanded
	Misplaces              // the number of partitions is not true: everything but the order of keys
	Lies                   // what is said of batches is not true: books, bounds and recovery
)

// The faults that mutations belong to.
const (
	Frames   = "H1: malformed frames"
	Metadata = "H2: lying metadata"
	Answers  = "H3: lying produce answers"
)

// Mutation is one way to spoil an answer. One of the functions is set.
type Mutation struct {
	Name  string
	Fault string
	Trust Trust
	Keys  []kmsg.Key // whose answers; none: everybody's

	// takes the request and the connection
	take func(r *relay, frame []byte)
	// writes what is left of an answer
	wire func(w *wire, body []byte)
	resp func(r *rand.Rand, resp kmsg.Response) // changes it
	// makes it, and the broker does not see the request
	refuse func(r *rand.Rand, q *kmsg.ProduceRequest) kmsg.Response
}

// suits reports whether m can be served to requests of key.
func (m *Mutation) suits(key int16) bool {
	return len(m.Keys) == 0 || slices.Contains(m.Keys, kmsg.Key(key))
}

// Asked reports whether m is of the answers to requests of key alone.
func (m *Mutation) Asked(key kmsg.Key) bool { return len(m.Keys) == 1 && m.Keys[0] == key }

// All returns every mutation there is.
func All() []Mutation {
	return slices.Concat(frames(), versions(), metadata(), produced(), identities())
}

// Trusted returns the mutations of All that deserve no less than trust.
func Trusted(trust Trust) []Mutation {
	return slices.DeleteFunc(All(), func(m Mutation) bool { return m.Trust > trust })
}

// Worst returns the least trust that any of mutations deserves.
func Worst(mutations []Mutation) (worst Trust) {
	for _, m := range mutations {
		worst = max(worst, m.Trust)
	}
	return worst
}
