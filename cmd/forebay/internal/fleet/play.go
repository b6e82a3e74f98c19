package fleet

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Where topics have no partition on some brokers, or records with and without keys share requests,
// there is no closed form. The rules of the engine are then played through:
//
//   - When an open batch has lingered, a request goes to one of the brokers that can take it: the
//     one whose partitions have waited longest. It takes every open batch that it can take.
//   - A batch that was not taken waits for the next such request, one more linger at most.
//   - A batch of records with keys has one broker, and does not wait longer than its linger.
//
// Arrivals are a Poisson process, drawn from a fixed seed: the same fleet has the same figures.

const (
	playRounds   = 5   // each with leaders in other places
	playRequests = 300 // in a round, after as many more, divided by ten, that do not count
	playStreams  = 200 // more are played as so many, with the same rate in all
	playBrokers  = 200 // more are played as so many, with partitions on the same part of them
)

// player is one instance and priority.
type player struct {
	linger  float64
	streams []played
	random  *rand.Rand
	brokers int // that the instance uses
	kept    int // those that it keeps to, if a topic is on one of them
	slots   map[int]int
	tick    int
	opened  float64 // when the last request was made
}

// played is a stream.
type played struct {
	rate  float64
	keyed bool
	never bool  // it fills its batches before they have lingered
	used  []int // by broker, when it was last used; -1: it has no partition there
	since float64
}

// play returns how many requests per second are made because a batch has lingered.
func (l *lane) play(free, keyed group) float64 {
	keyedBrokers := l.keyedReach()
	if len(keyed.streams) > 0 && l.reach() > playBrokers {
		// they share little: with so many brokers, most requests are for keys
		return free.lingered() + keyed.lingered()*keyedBrokers
	}
	scale := min(1, playBrokers/l.reach())
	sum := 0.0
	for round := range uint64(playRounds) {
		p := &player{linger: free.linger, brokers: scaled(l.reach(), scale),
			slots: make(map[int]int), random: rand.New(rand.NewPCG(1, round))}
		p.addFree(l.fleet, free, scale)
		p.addKeyed(keyed, scaled(keyedBrokers, scale))
		sum += p.run()
	}
	return sum / playRounds
}

// scaled returns how many brokers stand for so many.
func scaled(brokers, scale float64) int { return max(1, int(math.Round(brokers*scale))) }

// addFree adds the streams of records without keys. Leaders are placed as Kafka places them when it
// creates a topic: on consecutive brokers, from a random one on. The instance uses the first ones
// of a random order.
func (p *player) addFree(f *Fleet, g group, scale float64) {
	streams := merged(g.streams)
	total := 0.0
	for _, s := range streams {
		total += s.count
	}
	order := p.random.Perm(scaled(float64(f.Brokers), scale))
	p.kept = min(len(order), p.brokers, scaled(f.subset(), scale))
	for _, s := range streams {
		n := s.count
		if total > playStreams {
			n = max(1, math.Round(s.count*playStreams/total))
		}
		for range int(n) {
			p.streams = append(p.streams, played{rate: s.rate * s.count / n,
				never: s.filled(g.linger) > 0.5, used: p.place(order, scaled(s.reach, scale))})
		}
	}
}

// merged returns at most playStreams entries, each for some neighbours of streams.
func merged(streams []stream) []stream {
	size := (len(streams) + playStreams - 1) / playStreams
	if size <= 1 {
		return streams
	}
	var all []stream
	for chunk := range slices.Chunk(streams, size) {
		m := chunk[0]
		for _, s := range chunk[1:] {
			m.rate = (m.rate*m.count + s.rate*s.count) / (m.count + s.count)
			m.reach = (m.reach*m.count + s.reach*s.count) / (m.count + s.count)
			m.count += s.count
		}
		all = append(all, m)
	}
	return all
}

// place returns where a topic has leaders that is on reach of all brokers, of which the instance
// uses the first ones in order. A topic that has none there uses its first one in order.
func (p *player) place(order []int, reach int) []int {
	used := p.nowhere()
	first, found := p.random.IntN(len(order)), false
	for i, broker := range order {
		if i >= p.kept && found {
			break
		}
		if (broker-first+len(order))%len(order) < reach {
			used[p.slot(i)], found = 0, true
		}
	}
	return used
}

// slot returns which of the player's brokers stands for the one at a place in the order. Brokers
// that it does not keep to get a slot when they are used; if there are more than on average, some
// share one.
func (p *player) slot(place int) int {
	if place < p.kept {
		return place
	}
	slot, found := p.slots[place]
	if !found {
		slot = p.kept + len(p.slots)
		if slot >= p.brokers {
			slot = place % p.brokers
		}
		p.slots[place] = slot
	}
	return slot
}

// nowhere returns the used of a stream that has no partition yet.
func (p *player) nowhere() []int { return slices.Repeat([]int{-1}, p.brokers) }

// addKeyed adds one stream for each broker that gets records with keys.
func (p *player) addKeyed(g group, brokers int) {
	rate := 0.0
	for _, s := range g.streams {
		rate += s.rate * s.count * (1 - s.filled(g.linger))
	}
	for b := range brokers {
		if rate == 0 {
			return
		}
		used := p.nowhere()
		used[b%p.brokers] = 0
		p.streams = append(p.streams, played{rate: rate, keyed: true, used: used})
	}
}

// run returns the requests per second.
func (p *player) run() float64 {
	for i := range p.streams {
		p.streams[i].since = p.random.ExpFloat64() / p.streams[i].rate
	}
	var now, began float64
	for n := range playRequests * 11 / 10 {
		if n == playRequests/10 {
			began = now
		}
		due, ripe := p.next()
		if ripe == nil {
			return 0
		}
		now = due
		p.send(now, p.broker(now, ripe))
	}
	return playRequests / (now - began)
}

// next returns when the next batch has lingered, and which.
func (p *player) next() (at float64, ripe *played) {
	for i := range p.streams {
		s := &p.streams[i]
		due := s.since + p.linger
		if !s.keyed {
			due += min(max(0, p.opened-s.since), p.linger)
		}
		if !s.never && (ripe == nil || due < at) {
			at, ripe = due, s
		}
	}
	return at, ripe
}

// broker returns where a request goes because of ripe: where partitions have waited longest.
func (p *player) broker(now float64, ripe *played) int {
	best, most := 0, -1
	for b, used := range ripe.used {
		if used < 0 {
			continue
		}
		waited := 0
		for i := range p.streams {
			if s := &p.streams[i]; s.used[b] >= 0 && s.since <= now {
				waited += p.tick - s.used[b] + 1
			}
		}
		if waited > most {
			best, most = b, waited
		}
	}
	return best
}

// send makes a request to b, which takes all that is open and has a partition there.
func (p *player) send(now float64, b int) {
	p.tick++
	p.opened = now
	for i := range p.streams {
		if s := &p.streams[i]; s.used[b] >= 0 && s.since <= now {
			s.used[b] = p.tick
			s.since = now + p.random.ExpFloat64()/s.rate
		}
	}
}
