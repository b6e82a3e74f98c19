package capture

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// Writer writes a capture.
type Writer struct {
	buffer  *bufio.Writer
	encoder *json.Encoder
	header  Header
	began   bool // the header is written
	records uint64
}

// NewWriter returns a writer of a capture of topics. Nothing is written before the first record or
// Close.
func NewWriter(w io.Writer, topics []string, recorded time.Time) *Writer {
	buffer := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false) // a capture is for people, too
	return &Writer{buffer: buffer, encoder: encoder,
		header: Header{Version: Version, Topics: topics, Recorded: recorded.UTC()}}
}

// Write writes a record.
func (w *Writer) Write(rec *kgo.Record) error {
	if !w.began {
		w.began, w.header.First = true, rec.Timestamp.UTC()
		if err := w.encoder.Encode(w.header); err != nil {
			return err
		}
	}
	r := Record{After: rec.Timestamp.Sub(w.header.First), Topic: rec.Topic,
		Partition: rec.Partition, Key: rec.Key, Value: rec.Value}
	for _, h := range rec.Headers {
		r.Headers = append(r.Headers, producer.Header{Key: h.Key, Value: h.Value})
	}
	w.records++
	return w.encoder.Encode(lineOf(&r))
}

// Records returns how many records were written.
func (w *Writer) Records() uint64 { return w.records }

// Close writes the last line. complete says whether the whole range was recorded. It does not close
// the writer below.
func (w *Writer) Close(complete bool) error {
	var wrong error
	if !w.began {
		wrong = w.encoder.Encode(w.header)
	}
	return errors.Join(wrong, w.encoder.Encode(Trailer{w.records, complete}), w.buffer.Flush())
}
