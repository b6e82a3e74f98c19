package cluster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxAnswer bounds the size of an answer, in bytes. The longest legitimate answers are metadata:
// ten thousand topics of 36 partitions with three replicas fit.
const maxAnswer = 16 << 20

var errNonsense = errors.New("the broker answers nonsense: is it a Kafka broker?")

// guarded is a connection that passes on only answers that are complete and, as far as sensible can
// tell, well-formed. It takes no memory for bytes that a broker announces and does not send.
type guarded struct {
	net.Conn
	in *bufio.Reader

	frame []byte // the current answer
	left  []byte // the part of frame that was not passed on yet
	blind bool   // answers pass unread: SASL's first version does not use Kafka's frames

	outbox *outbox
	direct *net.TCPConn // what is written goes there as it is; nil: it does not, as under TLS
	origin *origin      // the cluster that the connection must lead to
	node   int32        // the broker that it must lead to; negative: any
	proven bool         // belongs to Write: it leads there, or that cannot be checked

	offered atomic.Bool // the broker has answered ApiVersions, which kgo asks when it connects

	mu    sync.Mutex // guards what follows
	asked []question // in the order in which brokers answer
}

// question identifies a request that was written.
type question struct {
	key     kmsg.Key
	version int16
}

func guard(conn net.Conn, out *outbox, o *origin, node int32) *guarded {
	return &guarded{Conn: conn, in: bufio.NewReader(conn), outbox: out, direct: plainTCP(conn),
		origin: o, node: node}
}

// Write writes one request; kgo never splits one. Before the first request that has an effect, it
// checks that the connection leads to the cluster. Until then kgo waits for each answer, so nobody
// else is reading.
func (g *guarded) Write(b []byte) (int, error) {
	switch q := questionOf(b); {
	case q.key == kmsg.ApiVersions && !g.offered.Load():
		if _, err := g.send(addressed(b, q.version, g.origin.sure(), g.node)); err != nil {
			return 0, err
		}
		return len(b), nil
	case !g.proven && !opens(q.key):
		// a later ApiVersions request also comes here: kgo does not wait for its answer
		switch err := g.prove(); {
		case elsewhere(err):
			// on 0 kgo would dial again at once, twice as often as the supervisor allows
			return 1, err
		case err != nil:
			return 0, err
		}
		g.proven = true
	}
	return g.send(b)
}

// opens reports whether kgo sends requests of key when it opens a connection. A request without a
// key is part of SASL's first version.
func opens(key kmsg.Key) bool {
	return key == kmsg.SASLHandshake || key == kmsg.SASLAuthenticate || key < 0
}

// prove returns an error if the connection leads to another cluster.
func (g *guarded) prove() error {
	if g.blind || !g.origin.known() {
		return nil
	}
	if err := g.Conn.SetReadDeadline(time.Now().Add(askTimeout)); err != nil {
		return err
	}
	err := g.identify()
	if _, elsewhere := errors.AsType[*another](err); elsewhere {
		g.disown()
	}
	if err != nil {
		return err
	}
	return g.Conn.SetReadDeadline(time.Time{})
}

// disown reports to the dialer of the connection that it works but leads to another broker.
func (g *guarded) disown() {
	if d, ok := g.Conn.(interface{ Disown() }); ok {
		d.Disown()
	}
}

// send writes a request.
func (g *guarded) send(b []byte) (int, error) {
	q := questionOf(b)
	g.mu.Lock()
	g.asked = append(g.asked, q)
	g.mu.Unlock()
	if q.key == kmsg.Produce {
		return g.produce(b, q.version)
	}
	return g.Conn.Write(b)
}

// produce writes the produce request that b stands for. It returns the bytes that were written,
// which may be more than len(b). kgo passes the count to hooks, and looks only for 0, after which
// it may try again.
func (g *guarded) produce(b []byte, version int16) (int, error) {
	f := g.outbox.frame(b, version, g.direct != nil)
	defer f.release()
	to := io.Writer(g.Conn)
	if g.direct != nil {
		to = g.direct
	}
	n, err := f.write(to)
	return int(n), err
}

func questionOf(b []byte) question {
	if len(b) < 8 {
		return question{key: -1}
	}
	return question{kmsg.Key(binary.BigEndian.Uint16(b[4:])), int16(binary.BigEndian.Uint16(b[6:]))}
}

// Read passes on the rest of an answer, or the next one.
func (g *guarded) Read(b []byte) (int, error) {
	if g.blind {
		return g.in.Read(b)
	}
	if len(g.left) == 0 {
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, g.left)
	g.left = g.left[n:]
	return n, nil
}

// keptFrame is the size in bytes up to which the buffer of an answer is kept for the next one.
const keptFrame = 64 << 10

// next reads an answer.
func (g *guarded) next() error {
	if cap(g.frame) > keptFrame {
		g.frame = nil
	}
	var err error
	if g.frame, err = grow(g.in, g.frame[:0], 4); err != nil {
		return err
	}
	q := g.question()
	size := int32(binary.BigEndian.Uint32(g.frame))
	switch {
	case size < 0 || size > maxAnswer: // kgo reports the error: it may be a web server, or TLS
	case q.key == kmsg.SASLHandshake && q.version == 0:
		g.blind = true
		fallthrough
	default:
		if g.frame, err = grow(g.in, g.frame, 4+int(size)); err != nil {
			return err
		}
		if !sensible(q.key, q.version, g.frame[4:]) {
			return errNonsense
		}
		if q.key == kmsg.ApiVersions && misled(g.frame) {
			g.disown()
			return errElsewhere
		}
		if q.key == kmsg.ApiVersions {
			offers := offersIn(q.version, g.frame)
			if err := fits(offers); err != nil {
				return err
			}
			g.offered.Store(len(offers) > 0)
		}
	}
	g.left = g.frame
	return nil
}

// errElsewhere is the answer of a broker that is not the one that the request names (KIP-1242). kgo
// itself would forget all brokers, ask its seeds, and believe the cluster that those lead to.
var errElsewhere = errors.New("another broker, or another Kafka cluster, answers there, and " +
	"says so (REBOOTSTRAP_REQUIRED)")

// misled reports whether frame, an answer to ApiVersions, has the code of errElsewhere.
func misled(frame []byte) bool {
	return len(frame) >= 10 &&
		int16(binary.BigEndian.Uint16(frame[8:])) == kerr.RebootstrapRequired.Code
}

// question returns the request that the next answer belongs to.
func (g *guarded) question() question {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.asked) == 0 {
		return question{key: -1}
	}
	q := g.asked[0]
	g.asked = g.asked[1:]
	return q
}

// grow reads until buf has size bytes, and takes memory only as the bytes arrive.
func grow(from io.Reader, buf []byte, size int) ([]byte, error) {
	for len(buf) < size {
		have := len(buf)
		more := min(size, max(2*have, 4<<10)) - have
		buf = append(buf, make([]byte, more)...)
		n, err := io.ReadFull(from, buf[have:])
		if err == io.EOF && have > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return buf[:have+n], err
		}
	}
	return buf, nil
}
