package hostile

import (
	"encoding/binary"
	"math"
	"time"
)

// frames returns what can be done to a frame without understanding what is in it.
func frames() []Mutation {
	all := []Mutation{
		{Name: "truncated", wire: func(w *wire, body []byte) {
			w.send(framed(body[:w.upTo(len(body))]))
		}},
		{Name: "cut in mid-frame", wire: func(w *wire, body []byte) {
			frame := framed(body)
			w.send(frame[:w.upTo(len(frame))])
			w.cut()
		}},
		{Name: "a bit of its header flipped", wire: func(w *wire, body []byte) {
			frame := framed(body)
			frame[w.upTo(8)] ^= 1 << w.upTo(8)
			w.send(frame)
		}},
		{Name: "bytes flipped", Trust: Lies, wire: func(w *wire, body []byte) {
			for range 1 + w.upTo(3) {
				body[4+w.upTo(len(body)-4)] ^= byte(1 + w.upTo(255))
			}
			w.send(framed(body))
		}},
		{Name: "claims 90 MB", wire: claims(90 << 20)},
		{Name: "claims 2 GB", wire: claims(math.MaxInt32)},
		{Name: "claims less than nothing", wire: claims(-1)},
		{Name: "claims nothing", wire: func(w *wire, _ []byte) { w.send(make([]byte, 4)) }},
		{Name: "another's correlation", wire: func(w *wire, body []byte) {
			binary.BigEndian.PutUint32(body, w.any())
			w.send(framed(body))
		}},
		{Name: "twice", wire: func(w *wire, body []byte) {
			w.send(framed(body))
			w.send(framed(body))
		}},
		{Name: "swapped with the next", wire: func(w *wire, body []byte) {
			if next := w.next(50 * time.Millisecond); next != nil {
				w.send(framed(next))
			}
			w.send(framed(body))
		}},
		{Name: "late", wire: func(w *wire, body []byte) {
			w.sleep(time.Duration(w.rand.Int64N(int64(3 * time.Minute))))
			w.send(framed(body))
		}},
		{Name: "never", wire: func(*wire, []byte) {}},
		{Name: "garbage", wire: func(w *wire, body []byte) {
			spoilt := append(body[:4:4], make([]byte, w.upTo(2000))...)
			for i := range spoilt[4:] {
				spoilt[4+i] = byte(w.any())
			}
			w.send(framed(spoilt))
		}},
		{Name: "byte by byte", wire: func(w *wire, body []byte) {
			pause := time.Duration(w.upTo(int(500 * time.Millisecond)))
			for _, b := range framed(body) {
				w.sleep(pause)
				w.send([]byte{b})
			}
		}},
		{Name: "of a web server", wire: func(w *wire, _ []byte) {
			w.send([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
			w.cut()
		}},
	}
	for i := range all {
		all[i].Fault = Frames
	}
	return all
}

// claims returns a frame that says another size than it has.
func claims(size int32) func(*wire, []byte) {
	return func(w *wire, body []byte) {
		frame := framed(body)
		binary.BigEndian.PutUint32(frame, uint32(size))
		w.send(frame)
	}
}
