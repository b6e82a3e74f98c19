package registry_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/event/registry"
	"github.com/forebay-go/forebay/producer"
)

const (
	recordA = `{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}`
	recordB = `{"type":"record","name":"B","fields":[{"name":"x","type":"int"}]}`
)

// text is a codec of texts: what a real one encodes does not matter here.
type text struct{}

func (text) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (text) ContentType() string                         { return "text/plain" }

// events returns the events of a topic.
func events(t *testing.T, p producer.Sender, topic string,
	c *registry.Codec[string]) *event.Event[string] {
	t.Helper()
	e, err := event.New(p, topic, c)
	require.NoError(t, err)
	return e
}

// send sends each of all, with a key if it is not empty.
func send(t *testing.T, e *event.Event[string], key string, all ...string) {
	t.Helper()
	var opts []event.SendOption
	if key != "" {
		opts = append(opts, event.KeyString(key))
	}
	for _, v := range all {
		require.NoError(t, e.Send(v, opts...))
	}
}

// decoded returns the text in a value, which must have been written with an ID.
func decoded(t *testing.T, value []byte, id int) string {
	t.Helper()
	var serde sr.Serde
	var got string
	serde.Register(id, "", sr.DecodeFn(func(b []byte, _ any) error {
		got = string(b)
		return nil
	}))
	require.NoError(t, serde.Decode(value, new(string)), "%q", value)
	return got
}

func texts(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint("event ", i))
	}
	return all
}
