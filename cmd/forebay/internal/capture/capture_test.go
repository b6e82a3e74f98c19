package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/producer"
)

// noon is when the records of these tests begin.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// written returns a capture of records.
func written(t require.TestingT, records ...*kgo.Record) []byte {
	var out bytes.Buffer
	w := NewWriter(&out, []string{"plays"}, noon)
	for _, rec := range records {
		require.NoError(t, w.Write(rec))
	}
	require.NoError(t, w.Close(true))
	return out.Bytes()
}

// read returns the records of a capture, and what ended reading.
func read(text []byte) (records []Record, err error) {
	r, err := NewReader(bytes.NewReader(text))
	for err == nil {
		var rec Record
		if rec, err = r.Next(); err == nil {
			records = append(records, rec)
		}
	}
	return records, err
}

// sample is a small capture with text, binary data, nulls and headers.
func sample(t require.TestingT) []byte {
	return written(t,
		&kgo.Record{Topic: "plays", Key: []byte("ann"), Value: []byte("<é\n>"), Timestamp: noon},
		&kgo.Record{Topic: "plays", Partition: 2, Key: []byte{}, Timestamp: noon.Add(15 * time.Millisecond),
			Headers: []kgo.RecordHeader{{Key: "a", Value: []byte{0xff}}, {Key: "\xfe", Value: nil},
				{Key: "", Value: []byte{}}}},
		&kgo.Record{Topic: "plays", Value: []byte{0xff, 0}, Timestamp: noon.Add(-time.Second)})
}

func TestWriter_WritesWhatPeopleCanRead(t *testing.T) {
	require.Equal(t, `{"forebay_capture":1,"topics":["plays"],"recorded":"2026-11-30T12:00:00Z","first":"2026-11-30T12:00:00Z"}
{"ms":0,"topic":"plays","partition":0,"key":"ann","value":"<é\n>"}
{"ms":15,"topic":"plays","partition":2,"key":"","headers":[{"name":"a","value64":"/w=="},{"name64":"/g=="},{"name":"","value":""}]}
{"ms":-1000,"topic":"plays","partition":0,"value64":"/wA="}
{"records":3,"complete":true}
`, string(sample(t)))
	require.Equal(t, `{"forebay_capture":1,"topics":["plays"],"recorded":"2026-11-30T12:00:00Z"}
{"records":0,"complete":true}
`, string(written(t)))
}

func TestReader_ReadsBackWhatWasWritten(t *testing.T) {
	octets := rapid.OneOf(rapid.Just([]byte(nil)), rapid.Just([]byte{}),
		rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }))
	rapid.Check(t, func(t *rapid.T) {
		var records []*kgo.Record
		var want []Record
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			rec := &kgo.Record{Topic: "plays", Partition: rapid.Int32Min(0).Draw(t, "partition"),
				Key: octets.Draw(t, "key"), Value: octets.Draw(t, "value"),
				Timestamp: time.UnixMilli(rapid.Int64Range(-1, 1<<42).Draw(t, "time"))}
			expected := Record{Topic: "plays", Partition: rec.Partition, Key: rec.Key, Value: rec.Value}
			for range rapid.IntRange(0, 2).Draw(t, "headers") {
				name, value := string(octets.Draw(t, "name")), octets.Draw(t, "header")
				rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: name, Value: value})
				expected.Headers = append(expected.Headers, producer.Header{Key: name, Value: value})
			}
			records = append(records, rec)
			expected.After = rec.Timestamp.Sub(records[0].Timestamp)
			want = append(want, expected)
		}
		got, err := read(written(t, records...))
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, got)
	})
}

func TestReader_NamesTheLineOfEveryTruncation(t *testing.T) {
	whole := sample(t)
	for n := range len(whole) - 1 { // the last byte only ends the last line
		records, err := read(whole[:n])
		wrong, ok := errors.AsType[*LineError](err)
		require.True(t, ok, "%d: %v", n, err)
		lines := bytes.Count(whole[:n+1], []byte("\n")) // one may lack only its end
		require.Equal(t, lines+1, wrong.Line, "%d: %v", n, err)
		require.Len(t, records, max(0, lines-1), n)
	}
}

func TestReader_SaysWhatIsWrong(t *testing.T) {
	head, rest, _ := strings.Cut(string(sample(t)), "\n")
	for _, row := range []struct{ text, says string }{
		{"", "line 1: it is empty, so it is no capture"},
		{"hello\n", "line 1: it is not the header of a capture"},
		{`{"a":1}`, "line 1: it is not the header of a capture"},
		{`{"forebay_capture":2,"new":1}`, "line 1: the capture has format 2, and this program reads 1"},
		{head + "\n\xff\n", "line 2: it is not UTF-8"},
		{head + "\n" + rest + "x", "line 6: more follows the last line"},
		{head + "\n" + `{"records":4}`, "line 2: the capture is damaged: it has 0 records, and had 4"},
		{head + "\n" + `{"topic":"a","parttion":1}`, `line 2: it is no record of a capture: json: unknown field "parttion"`},
		{head + "\n" + `{"partition":1}`, "line 2: it has no topic"},
		{head + "\n" + `{"topic":"a","partition":-1}`, "line 2: partition: -1: write a number from 0 on"},
		{head + "\n" + `{"topic":"a","key":"","key64":"/w=="}`, "line 2: key and key64 are both there"},
		{head + "\n" + `{"topic":"a","key64":"?"}`, "line 2: it is no record of a capture: illegal base64"},
		{head + "\n" + `{"topic":"a","ms":9223372036854775807}`, "line 2: ms: 9223372036854775807 is out of range"},
		{head + "\n" + `{"topic":"a"} {}`, "line 2: it is no record of a capture: more follows its JSON"},
	} {
		_, err := read([]byte(row.text))
		require.ErrorContains(t, err, row.says)
	}
	r, err := NewReader(strings.NewReader(head))
	require.NoError(t, err)
	_, first := r.Next()
	_, second := r.Next()
	require.Equal(t, first, second, "an error stays")
}

// FuzzReader requires that a capture which can be read is read the same after it was written again.
func FuzzReader(f *testing.F) {
	f.Add(sample(f))
	f.Add([]byte("{\"forebay_capture\":1}\n{\"topic\":\"a\",\"headers\":[{}]}\n{\"records\":1}"))
	f.Add([]byte("{\"forebay_capture\":1}\n{\"topic\":\"a\",\"key64\":\"\",\"value\":\"\\ud800\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		records, err := read(text)
		if !errors.Is(err, io.EOF) {
			_, ok := errors.AsType[*LineError](err)
			require.True(t, ok, err)
		}
		for _, rec := range records {
			line, err := json.Marshal(lineOf(&rec))
			require.NoError(t, err)
			var again recordLine
			require.NoError(t, decode(line, &again))
			got, err := again.record()
			require.NoError(t, err)
			require.Equal(t, rec, got)
		}
	})
}
