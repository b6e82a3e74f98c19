package dispatch

import (
	"maps"
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// Account is what a lane has done at one instant, and how it is.
type Account struct {
	Cluster  string    // that the lane uses
	FellBack bool      // that is not its primary
	Since    time.Time // when the lane began to use it
	Switches uint64    // how often the lane began to use another, but for changes of settings

	Done       map[string]Done   // by cluster
	Unnumbered map[string]string // why batches go without numbers, by cluster
	Overhead   int64             // the most bytes that were in flight
	Troubles   []Shown           // that concern no topic in particular

	routes *routes
}

// Done is what a lane, or one of its dispatchers, has done in one cluster.
type Done struct {
	Books   delivery.Books // of the records that got an outcome there
	Traffic delivery.Traffic
}

func (d *Done) add(other Done) {
	d.Books.Add(&other.Books)
	d.Traffic.Add(&other.Traffic)
}

// work returns what a dispatcher has done.
func (c *core) work() Done {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Done{c.books, c.counts.load()}
}

// Account returns the account of l. While it is drawn up no dispatcher leaves the lane.
func (l *Lane) Account() *Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.routes.Load()
	a := &Account{
		Cluster: r.inUse().Name(), FellBack: r.use > 0, Since: r.since, Switches: r.switches,
		Done: maps.Clone(l.gone), Unnumbered: make(map[string]string), routes: r,
	}
	for _, d := range r.dispatchers() {
		sum := a.Done[d.cluster.Name()]
		sum.add(d.work())
		a.Done[d.cluster.Name()] = sum
		if err := d.link.Refusal(); err != nil {
			a.Unnumbered[d.cluster.Name()] = err.Error()
		}
		a.Overhead += d.overhead.Load()
		a.Troubles = append(a.Troubles, d.troubles.of("")...)
	}
	return a
}

// Topic returns the cluster that a topic goes to, and what its records wait for there.
func (a *Account) Topic(topic string) (cluster string, troubles []Shown) {
	d := a.routes.of(topic)
	return d.cluster.Name(), d.troubles.of(topic)
}

// AddTraffic adds what the lane's dispatchers have sent, those that have ended too.
func (l *Lane) AddTraffic(sum *delivery.Traffic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.dispatchers() {
		done := d.work()
		sum.Add(&done.Traffic)
	}
	for _, done := range l.gone {
		sum.Add(&done.Traffic)
	}
}

// Why returns the cluster that a topic goes to, and why its records wait, nil if nothing is known.
// partition is -1 where they have none.
func (l *Lane) Why(topic string, partition int32) (cluster string, why error) {
	d := l.routes.Load().of(topic)
	return d.cluster.Name(), d.why(topic, partition)
}
