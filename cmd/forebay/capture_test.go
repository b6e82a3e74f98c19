package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fill produces records with all that may be in one: to the topic "lines".
func (f *fake) fill(t *testing.T, n int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(f.addr))
	require.NoError(t, err)
	defer client.Close()
	at := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	for i := range n {
		rec := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "key-%d", i%5),
			Value: fmt.Appendf(nil, "value %d", i), Timestamp: at.Add(time.Duration(i) * time.Millisecond)}
		switch i % 7 {
		case 1:
			rec.Key = nil
		case 2:
			rec.Value = nil
		case 3:
			rec.Key, rec.Value = []byte{}, []byte{}
		case 4:
			rec.Value = []byte{0xff, 0, byte(i)}
		case 5:
			rec.Headers = []kgo.RecordHeader{{Key: "forebay-audit", Value: []byte("old")},
				{Key: "bin\xff", Value: []byte{0xfe}}, {Key: "null"}, {Key: "empty", Value: []byte{}}}
		}
		require.NoError(t, client.ProduceSync(t.Context(), rec).FirstErr())
	}
}

// forebay runs a command line to its end.
func forebay(t *testing.T, code int, args ...string) (stdout, stderr string) {
	var out, errs bytes.Buffer
	require.Equal(t, code, run(t.Context(), args, nil, &out, &errs), "%s\n%s", &out, &errs)
	return out.String(), errs.String()
}

// recorded records the topic of a fake, and returns the settings file and the capture.
func (f *fake) recorded(t *testing.T, more ...string) (settings, file string) {
	settings = settingsFile(t, fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\n"+
		"batching: {linger: 1ms}\n", f.addr))
	file = filepath.Join(t.TempDir(), "lines.zst")
	_, said := forebay(t, 0, append([]string{"audit", "record", "--topic", topic, "--output", file,
		settings}, more...)...)
	require.Contains(t, said, "recorded ")
	return settings, file
}

// unpacked decompresses a capture.
func unpacked(t *testing.T, packed []byte) string {
	decoder, err := zstd.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	defer decoder.Close()
	text, err := io.ReadAll(decoder)
	require.NoError(t, err)
	return string(text)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
