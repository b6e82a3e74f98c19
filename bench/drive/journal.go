package drive

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/bench/client"
)

// Entry is what became of a record, in nanoseconds of the wall clock, which all processes of a
// machine share.
type Entry struct {
	Sent int64 // when the call began; zero: there was none, or it was refused
	Done int64 // when it was delivered; negative: when it failed; zero: nobody has said
}

// journal is what became of each record, by its number.
type journal struct{ sent, done []atomic.Int64 }

func newJournal(n int) *journal {
	return &journal{make([]atomic.Int64, n), make([]atomic.Int64, n)}
}

// listen is a client.Listener.
func (j *journal) listen(seq uint64, o client.Outcome) {
	if seq >= uint64(len(j.done)) {
		return // of the warm-up
	}
	now := time.Now().UnixNano()
	switch o {
	case client.Delivered:
		j.done[seq].Store(now)
	case client.Failed:
		j.done[seq].Store(-now)
	case client.Refused:
		j.sent[seq].Store(0)
	}
}

// write writes the journal: for each record two numbers of 8 bytes, the most significant first.
func (j *journal) write(path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	w := bufio.NewWriter(f)
	for i := range j.sent {
		if err := binary.Write(w, binary.BigEndian,
			Entry{j.sent[i].Load(), j.done[i].Load()}); err != nil {
			return err
		}
	}
	return w.Flush()
}

// ReadJournal reads what a driver wrote.
func ReadJournal(path string) ([]Entry, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(raw)%16 != 0 {
		return nil, fmt.Errorf("%s has %d bytes, which are no whole entries", path, len(raw))
	}
	entries := make([]Entry, len(raw)/16)
	for i := range entries {
		at := raw[16*i:]
		entries[i] = Entry{int64(binary.BigEndian.Uint64(at)),
			int64(binary.BigEndian.Uint64(at[8:]))}
	}
	return entries, nil
}
