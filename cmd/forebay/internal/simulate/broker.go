package simulate

import (
	"math/rand/v2"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/internal/cluster"
)

// broker accepts connections, at no more than the limit of new ones in a second.
type broker struct {
	random *rand.Rand
	queue  []dial // what is not accepted yet
	credit float64
	conns  float64 // that are open
	idle   []idle  // of these, connections of probes that will end
	dialed float64 // attempts in this second
}

// dial is a connection that an instance wants.
type dial struct {
	instance int32
	records  bool // for records; else it is a probe
}

// idle is connections that end at a time.
type idle struct {
	at    float64
	conns float64
}

// come adds connections that are wanted. Those of one moment come in any order.
func (b *broker) come(dials []dial) {
	b.random.Shuffle(len(dials), func(i, j int) { dials[i], dials[j] = dials[j], dials[i] })
	b.queue = append(b.queue, dials...)
	b.dialed += float64(len(dials))
}

// accept accepts what the limit allows in some seconds. A broker whose probe was answered is used:
// its instance opens the connections for records. One connection of each instance stays for
// metadata, on any broker.
func (b *broker) accept(number int, f *fleet.Fleet, instances []*instance, now, step float64) {
	b.credit = min(b.credit+f.Limits.NewConnections*step, max(1, f.Limits.NewConnections*step))
	probes := 0.0
	n := 0
	for ; n < len(b.queue) && b.credit >= 1; n++ {
		b.credit--
		b.conns++
		d := b.queue[n]
		u := instances[d.instance].useOf(number)
		switch {
		case d.records:
			u.linked = true
		case u == nil:
			probes++
		default:
			probes++
			for range u.conns {
				b.queue = append(b.queue, dial{d.instance, true})
				b.dialed++
			}
		}
	}
	b.queue = b.queue[n:]
	if probes > 0 {
		ends := probes * (1 - 1/float64(f.Brokers))
		b.idle = append(b.idle, idle{now + cluster.ProbeIdle.Seconds(), ends})
	}
	for len(b.idle) > 0 && b.idle[0].at <= now {
		b.conns -= b.idle[0].conns
		b.idle = b.idle[1:]
	}
}
