package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errStatement reports a record of the audit topic that is not a statement of this version.
var errStatement = errors.New("not a statement of this version of package audit")

const statementVersion = 1

// The kinds of statements.
const (
	kindClaim byte = 'c'
	kindSight byte = 's'
	kindPulse byte = 'p'
	kindLife  byte = 'l'
)

// encoder appends the parts of a statement.
type encoder struct{ b []byte }

func encode(kind byte) *encoder { return &encoder{[]byte{statementVersion, kind}} }

func (e *encoder) uint(v uint64)   { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)     { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) byte(v byte)     { e.b = append(e.b, v) }
func (e *encoder) fixed(v uint64)  { e.b = binary.BigEndian.AppendUint64(e.b, v) }
func (e *encoder) string(v string) { e.uint(uint64(len(v))); e.b = append(e.b, v...) }
func (e *encoder) bool(v bool)     { e.byte(bit(v)) }

// bit is 1 for true.
func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// decoder reads them back. After an error it returns zeros.
type decoder struct {
	b   []byte
	err error
}

// decode begins to read a statement and returns its kind.
func decode(b []byte) (d *decoder, kind byte, err error) {
	switch {
	case len(b) < 2:
		return nil, 0, fmt.Errorf("%w: it has %d bytes", errStatement, len(b))
	case b[0] != statementVersion:
		return nil, 0, fmt.Errorf("%w: its version is %d, not %d", errStatement, b[0],
			statementVersion)
	}
	return &decoder{b: b[2:]}, b[1], nil
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = fmt.Errorf("%w: it is cut short, or damaged", errStatement)
	}
	d.b = nil
}

func (d *decoder) uint() uint64 { return varying(d, binary.Uvarint) }
func (d *decoder) int() int64   { return varying(d, binary.Varint) }

// varying reads a number of varying length.
func varying[T uint64 | int64](d *decoder, read func([]byte) (T, int)) T {
	v, n := read(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// int32 reads what was written by uint and must fit.
func (d *decoder) int32() int32 {
	v := d.uint()
	if v > math.MaxInt32 {
		d.fail()
		return 0
	}
	return int32(v)
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) bool() bool { return d.byte() == 1 }

func (d *decoder) fixed() uint64 {
	if len(d.b) < 8 {
		d.fail()
		return 0
	}
	v := binary.BigEndian.Uint64(d.b)
	d.b = d.b[8:]
	return v
}

func (d *decoder) string() string {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return ""
	}
	v := string(d.b[:n])
	d.b = d.b[n:]
	return v
}

// count reads how many parts follow, each of which has at least a byte.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

// end returns the error of all that was read. Bytes that are left are those of a later version.
func (d *decoder) end() error { return d.err }
