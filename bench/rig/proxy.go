package rig

import (
	"bufio"
	"encoding/binary"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Proxy stands before the brokers of a cluster and counts what all clients produce in the same way:
// at the wire. Clients know no other address of a broker than that of its door.
type Proxy struct {
	doors map[string]*door // by the broker's own address

	requests, batches, records, unread atomic.Int64
}

// Produced is what a Proxy has counted.
type Produced struct {
	Requests, Batches, Records int64
	Unread                     int64 // produce requests that could not be understood
}

// door is the way to one broker.
type door struct {
	p      *Proxy
	broker string // address
	net.Listener
}

// StartProxy starts a proxy before the brokers with these addresses. It ends with t.
func StartProxy(t *TB, brokers []string) *Proxy {
	p := &Proxy{doors: make(map[string]*door)}
	for _, broker := range brokers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		t.Check(err)
		p.doors[broker] = &door{p, broker, l}
		t.Cleanup(func() { _ = l.Close() })
	}
	for _, d := range p.doors {
		go d.serve() // ends with its listener
	}
	return p
}

// Seeds returns the addresses of the doors.
func (p *Proxy) Seeds() (seeds []string) {
	for _, broker := range slices.Sorted(maps.Keys(p.doors)) {
		seeds = append(seeds, p.doors[broker].Addr().String())
	}
	return seeds
}

// Produced returns what was counted so far.
func (p *Proxy) Produced() Produced {
	return Produced{p.requests.Load(), p.batches.Load(), p.records.Load(), p.unread.Load()}
}

// Since returns what was counted since before.
func (p *Proxy) Since(before Produced) Produced {
	now := p.Produced()
	return Produced{
		now.Requests - before.Requests, now.Batches - before.Batches, now.Records - before.Records, now.Unread - before.Unread,
	}
}

func (d *door) serve() {
	for {
		client, err := d.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", d.broker)
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &passage{p: d.p, client: client, broker: broker, metadata: make(chan waiting, 1024)}
		go c.requests()
		go c.answers()
	}
}

// passage is one connection through a door. It ends when either side does.
type passage struct {
	p              *Proxy
	client, broker net.Conn
	// requests whose answers name addresses, in the order of the requests; sent and closed by
	// requests
	metadata chan waiting
	once     sync.Once
}

// waiting is a request for metadata whose answer has to come.
type waiting struct {
	correlation uint32
	version     int16
}

func (c *passage) end() {
	c.once.Do(func() {
		_ = c.client.Close()
		_ = c.broker.Close()
	})
}

func (c *passage) requests() {
	defer c.end()
	defer close(c.metadata)
	in := bufio.NewReaderSize(c.client, 64<<10)
	var frame []byte
	for {
		var err error
		if frame, err = readFrame(in, frame); err != nil {
			return
		}
		h, body, err := parseHeader(frame)
		if err != nil {
			return
		}
		switch kmsg.Key(h.key) {
		case kmsg.Produce:
			c.p.count(h.version, body)
		case kmsg.Metadata:
			c.metadata <- waiting{binary.BigEndian.Uint32(frame[8:]), h.version}
		}
		if _, err := c.broker.Write(frame); err != nil {
			return
		}
	}
}

// count counts a produce request.
func (p *Proxy) count(version int16, body []byte) {
	batches, records, err := recordsOf(version, body)
	if err != nil {
		p.unread.Add(1)
		return
	}
	p.requests.Add(1)
	p.batches.Add(batches)
	p.records.Add(records)
}

func (c *passage) answers() {
	defer c.end()
	in := bufio.NewReaderSize(c.broker, 64<<10)
	var frame []byte
	var next *waiting // the first that has not been answered
	for {
		var err error
		if frame, err = readFrame(in, frame); err != nil {
			return
		}
		if next == nil {
			select {
			case w, ok := <-c.metadata:
				if !ok {
					return
				}
				next = &w
			default:
			}
		}
		if next != nil && len(frame) >= 8 &&
			binary.BigEndian.Uint32(frame[4:]) == next.correlation {
			frame, next = c.p.redirected(frame, next.version), nil
		}
		if _, err := c.client.Write(frame); err != nil {
			return
		}
	}
}

// redirected returns an answer with metadata in which brokers are at their doors.
func (p *Proxy) redirected(frame []byte, version int16) []byte {
	resp := kmsg.NewPtrMetadataResponse()
	resp.SetVersion(version)
	head := 8 // size and correlation
	if resp.IsFlexible() {
		head++ // no tags
	}
	if len(frame) < head || resp.ReadFrom(frame[head:]) != nil {
		return frame
	}
	for i := range resp.Brokers {
		b := &resp.Brokers[i]
		if d := p.doors[net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))]; d != nil {
			b.Port = int32(d.Addr().(*net.TCPAddr).Port)
		}
	}
	made := resp.AppendTo(append([]byte(nil), frame[:head]...))
	binary.BigEndian.PutUint32(made, uint32(len(made)-4))
	return made
}
