package hostile

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxFrame bounds the frames that are read: those that come here are a test's.
const maxFrame = 64 << 20

// readFrame reads a frame and returns what follows its size.
func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	body := make([]byte, n)
	_, err := io.ReadFull(r, body)
	return body, err
}

// framed returns body as a frame.
func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// request is what has to be known of a request to understand its answer.
type request struct {
	key, version int16
	correlation  int32
	body         []byte // the whole of it, for a mutation that answers in the broker's place
}

func parseRequest(body []byte) (request, error) {
	if len(body) < 8 {
		return request{}, io.ErrUnexpectedEOF
	}
	return request{
		key:         int16(binary.BigEndian.Uint16(body)),
		version:     int16(binary.BigEndian.Uint16(body[2:])),
		correlation: int32(binary.BigEndian.Uint32(body[4:])),
		body:        body,
	}, nil
}

// produce decodes a produce request.
func (q *request) produce() (*kmsg.ProduceRequest, error) {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(q.version)
	rest := q.body[8:]
	if len(rest) < 2 {
		return nil, io.ErrUnexpectedEOF
	}
	if id := int16(binary.BigEndian.Uint16(rest)); id > 0 {
		rest = rest[min(len(rest), 2+int(id)):]
	} else {
		rest = rest[2:]
	}
	if req.IsFlexible() {
		rest = rest[min(len(rest), 1):] // no tags
	}
	return req, req.ReadFrom(rest)
}

// flexibleHeader reports whether the header of the answer ends in tags.
func (q *request) flexibleHeader(resp kmsg.Response) bool {
	return resp.IsFlexible() && kmsg.Key(q.key) != kmsg.ApiVersions
}

// decode returns an answer, of which body is what follows the size.
func (q *request) decode(body []byte) (kmsg.Response, error) {
	resp := kmsg.ResponseForKey(q.key)
	if resp == nil || len(body) < 5 {
		return nil, io.ErrUnexpectedEOF
	}
	resp.SetVersion(q.version)
	rest := body[4:]
	if q.flexibleHeader(resp) {
		rest = rest[1:] // no tags
	}
	return resp, resp.ReadFrom(rest)
}

// encode returns resp as what follows the size of its frame.
func (q *request) encode(resp kmsg.Response) []byte {
	body := binary.BigEndian.AppendUint32(nil, uint32(q.correlation))
	if q.flexibleHeader(resp) {
		body = append(body, 0)
	}
	return resp.AppendTo(body)
}
