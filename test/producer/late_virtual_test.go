//go:build synctests

package producer_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/faultnet"
)

// late stands between clients and brokers whose produce answers come late. All other requests are
// answered at once.
type late struct {
	dial   faultnet.DialFunc
	serial bool                             // the requests of a connection are served in turn
	rate   int                              // bytes a second that a broker serves; 0: any
	takes  func(topic string) time.Duration // to acknowledge a batch

	wg     sync.WaitGroup
	mu     sync.Mutex           // guards what follows
	busy   map[string]time.Time // by address: until when the broker serves what it has
	flying int                  // bytes that were not answered yet
	most   int                  // and how many that were at most
	n      int                  // requests
}

// toLate returns a late over dial whose brokers take d for each request.
func toLate(dial faultnet.DialFunc, serial bool, d time.Duration) *late {
	return &late{dial: dial, serial: serial, busy: make(map[string]time.Time),
		takes: func(string) time.Duration { return d }}
}

// seen returns how many requests there were, and the most bytes that were in flight.
func (l *late) seen() (requests, most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n, l.most
}

// due is an answer that is still to come.
type due struct {
	bytes int       // of a produce request; 0: of another one
	at    time.Time // when the client gets it
}

// Dial opens a connection.
func (l *late) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	there, err := l.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	dues := make(chan due, 1000) // as many as there may be
	l.wg.Go(func() {
		defer close(dues)
		defer there.Close()
		l.requests(theirs, there, addr, dues)
	})
	l.wg.Go(func() {
		defer theirs.Close()
		l.answers(theirs, there, dues)
	})
	return ours, nil
}

// Wait waits until all connections have ended.
func (l *late) Wait() { l.wg.Wait() }

func (l *late) requests(client, broker net.Conn, addr string, dues chan<- due) {
	var last time.Time // when the connection was answered last
	for {
		frame, err := wholeFrame(client)
		if err != nil {
			return
		}
		d := due{at: time.Now()}
		if faultnet.IsRequest(frame, int16(kmsg.Produce)) {
			d = l.produce(frame, addr, last)
		}
		last = d.at
		dues <- d
		if _, err := broker.Write(frame); err != nil {
			return
		}
	}
}

// produce returns when the answer to a request comes, where the one before came at last.
func (l *late) produce(frame []byte, addr string, last time.Time) due {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	l.flying += len(frame)
	l.most = max(l.most, l.flying)
	at := time.Now()
	if l.serial && last.After(at) {
		at = last
	}
	if l.rate > 0 {
		if l.busy[addr].After(at) {
			at = l.busy[addr]
		}
		at = at.Add(time.Duration(len(frame)) * time.Second / time.Duration(l.rate))
		l.busy[addr] = at
	}
	var longest time.Duration
	for _, topic := range topicsOf(frame) {
		longest = max(longest, l.takes(topic))
	}
	return due{len(frame), at.Add(longest)}
}

func (l *late) answers(client, broker net.Conn, dues <-chan due) {
	for d := range dues {
		frame, err := wholeFrame(broker)
		if err != nil {
			return
		}
		time.Sleep(time.Until(d.at))
		l.mu.Lock()
		l.flying -= d.bytes
		l.mu.Unlock()
		if _, err := client.Write(frame); err != nil {
			return
		}
	}
}

// wholeFrame reads a frame and returns it with its size.
func wholeFrame(r io.Reader) ([]byte, error) {
	frame := make([]byte, 4, 4<<10)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame))...)
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}

// topicsOf returns the topics of a produce request.
func topicsOf(frame []byte) (topics []string) {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(int16(binary.BigEndian.Uint16(frame[6:])))
	rest := frame[12:]
	rest = rest[2+max(0, int(int16(binary.BigEndian.Uint16(rest)))):] // whose it is
	if req.IsFlexible() {
		rest = rest[1:] // no tags
	}
	if req.ReadFrom(rest) != nil {
		return nil
	}
	for i := range req.Topics {
		topics = append(topics, req.Topics[i].Topic)
	}
	return topics
}
