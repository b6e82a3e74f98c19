package rig

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxFrame bounds the frames that are read.
const maxFrame = 128 << 20

// readFrame reads a frame into buf, which it grows, and returns it with its size in front.
func readFrame(r io.Reader, buf []byte) ([]byte, error) {
	buf = append(buf[:0], 0, 0, 0, 0)
	if _, err := io.ReadFull(r, buf); err != nil {
		return buf, err
	}
	n := binary.BigEndian.Uint32(buf)
	if n > maxFrame || n < 4 {
		return buf, fmt.Errorf("a frame of %d bytes", n)
	}
	if cap(buf) < int(n)+4 {
		buf = append(make([]byte, 0, n+4), buf...)
	}
	buf = buf[:n+4]
	_, err := io.ReadFull(r, buf[4:])
	return buf, err
}

// header is what has to be known of a request to understand its answer.
type header struct{ key, version int16 }

// parseHeader reads the beginning of a request, and returns what follows the header.
func parseHeader(frame []byte) (h header, body []byte, err error) {
	if len(frame) < 14 {
		return h, nil, io.ErrUnexpectedEOF
	}
	h = header{int16(binary.BigEndian.Uint16(frame[4:])), int16(binary.BigEndian.Uint16(frame[6:]))}
	rest := frame[14:]
	if id := int16(binary.BigEndian.Uint16(frame[12:])); id > 0 {
		rest = rest[min(len(rest), int(id)):]
	}
	if req := kmsg.RequestForKey(h.key); req != nil {
		if req.SetVersion(h.version); req.IsFlexible() {
			rest = rest[min(len(rest), 1):] // no client sends tags here
		}
	}
	return h, rest, nil
}

// recordsOf returns how many batches and records a produce request has.
func recordsOf(version int16, body []byte) (batches, records int64, err error) {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(version)
	if err := req.ReadFrom(body); err != nil {
		return 0, 0, err
	}
	for _, topic := range req.Topics {
		for _, partition := range topic.Partitions {
			for raw := partition.Records; len(raw) > 0; {
				const lengthAt, countAt, least = 8, 57, 61 // of a batch, in its format 2
				if len(raw) < least {
					return 0, 0, io.ErrUnexpectedEOF
				}
				batches++
				records += int64(binary.BigEndian.Uint32(raw[countAt:]))
				raw = raw[min(len(raw), lengthAt+4+int(binary.BigEndian.Uint32(raw[lengthAt:]))):]
			}
		}
	}
	return batches, records, nil
}
