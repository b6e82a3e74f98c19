package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
)

// second stands for a message that protoc-gen-go has generated.
type second struct{ text string }

func (*second) Descriptor() ([]byte, []int) { return nil, []int{1, 0} }

type messages struct{}

func (messages) Append(dst []byte, v *second) ([]byte, error) { return append(dst, v.text...), nil }
func (messages) ContentType() string                          { return "application/protobuf" }

// careless is a codec that does not append.
type careless func(dst []byte) []byte

func (c careless) Append(dst []byte, _ string) ([]byte, error) { return c(dst), nil }
func (careless) ContentType() string                           { return "" }

// What is in front of a value must still be there when it was encoded.
func TestCodec_RefusesACodecThatDoesNotAppend(t *testing.T) {
	r := locked(t, avro(recordA), 7)
	for name, fn := range map[string]careless{
		"memory of its own": func([]byte) []byte { return []byte("a value of its own") },
		"from the beginning": func(dst []byte) []byte {
			return append(dst[:0], "a value that is longer"...)
		},
		"nothing": func([]byte) []byte { return nil },
	} {
		c, err := NewCodec(r, "s", avro(recordA), fn)
		require.NoError(t, err)
		for _, do := range []func([]byte, string) ([]byte, error){c.Append, c.AppendKnown} {
			before := []byte("before")
			got, err := do(before, "v")
			require.ErrorContains(t, err, "Append must append to dst", name)
			require.Equal(t, before, got, name)
		}
	}
}

func locked(t *testing.T, schema sr.Schema, id int) *Registry {
	t.Helper()
	r, err := New(Config{}, WithLock(lockOf(t,
		LockedSchema{"s", fingerprint(t, schema), id}).Bytes()))
	require.NoError(t, err)
	return r
}

const proto = "syntax = \"proto3\"; message A {} message B { message C {} }"

func TestCodec_FranzGoDecodesItsValues(t *testing.T) {
	var serde sr.Serde
	decode := func(to *string) func([]byte, any) error {
		return func(b []byte, _ any) error { *to = string(b); return nil }
	}
	var got string
	read := func(value []byte) string {
		got = "nothing"
		require.NoError(t, serde.Decode(value, new(string)))
		return got
	}

	c := codec(t, locked(t, avro(recordA), 1<<31-1), "s", recordA)
	serde.Register(1<<31-1, "", sr.DecodeFn(decode(&got)))
	value, err := c.Append([]byte("before"), "hello")
	require.NoError(t, err)
	require.Equal(t, "before", string(value[:6]))
	require.Equal(t, "hello", read(value[6:]))
	known, err := c.AppendKnown([]byte("before"), "hello")
	require.NoError(t, err)
	require.Equal(t, value, known)
	require.Equal(t, "text/plain", c.ContentType())

	nested, err := NewCodec(locked(t, protobuf(proto), 9), "s", protobuf(proto), messages{})
	require.NoError(t, err)
	serde.Register(9, &second{}, sr.Index(1, 0), sr.DecodeFn(decode(&got)))
	value, err = nested.Append(nil, &second{"inner"})
	require.NoError(t, err)
	require.Equal(t, "inner", read(value))

	first, err := NewCodec(locked(t, protobuf(proto), 10), "s", protobuf(proto), messages{},
		MessageIndexes(0), nil)
	require.NoError(t, err)
	value, err = first.Append(nil, &second{"first"})
	require.NoError(t, err)
	require.Equal(t, "\x00\x00\x00\x00\x0a\x00first", string(value))
	serde.Register(10, "", sr.Index(0), sr.DecodeFn(decode(&got)))
	require.Equal(t, "first", read(value))
}

func TestCodec_ReturnsTheErrorsOfTheOther(t *testing.T) {
	c := codec(t, locked(t, avro(recordA), 7), "s", recordA)
	_, err := c.Append(nil, "bad")
	require.EqualError(t, err, "bad value")
	_, err = c.AppendKnown(nil, "bad")
	require.EqualError(t, err, "bad value")
}

func TestCodec_CostsNoAllocation(t *testing.T) {
	c := codec(t, locked(t, avro(recordA), 7), "s", recordA)
	buf := make([]byte, 0, 64)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if c.Hold() == nil {
			_, _ = c.Append(buf, "hello")
		}
	}))
}

func TestNewCodec_SaysWhatIsWrong(t *testing.T) {
	r := locked(t, avro(recordA), 7)
	for _, c := range []struct {
		r       *Registry
		subject string
		schema  sr.Schema
		inner   plain
		opts    []CodecOption
		says    string
	}{
		{nil, "s", avro(recordA), plain{}, nil, "no registry: write what registry.New returns"},
		{r, "", avro(recordA), plain{}, nil, "no subject: write one such as"},
		{r, "s", avro(""), plain{}, nil, `subject "s": schema: no text`},
		{r, "s", avro("{"), plain{}, nil, `subject "s": schema: not JSON`},
		{r, "s", sr.Schema{Schema: "x", Type: 9}, plain{}, nil, `schema: unknown type 9`},
		{r, "s", avro(recordA), plain{}, []CodecOption{MessageIndexes(0)},
			"MessageIndexes: the schema is AVRO: remove the option"},
		{r, "s", protobuf(proto), plain{}, nil, "MessageIndexes: not given, and the type has no " +
			"Descriptor: write MessageIndexes(0) for the first message"},
		{r, "s", protobuf(proto), plain{}, []CodecOption{MessageIndexes(1, -1)},
			"MessageIndexes: [1 -1]: write numbers from 0"},
	} {
		_, err := NewCodec(c.r, c.subject, c.schema, c.inner, c.opts...)
		require.ErrorContains(t, err, "registry.NewCodec: ")
		require.ErrorContains(t, err, c.says)
	}
	_, err := NewCodec[string](r, "s", avro(recordA), nil)
	require.ErrorContains(t, err, "registry.NewCodec: no codec: write one such as event.JSON")
}

func BenchmarkCodec(b *testing.B) {
	f, err := Fingerprint(avro(recordA))
	require.NoError(b, err)
	r, err := New(Config{}, WithLock(lockOf(b, LockedSchema{"s", f, 7}).Bytes()))
	require.NoError(b, err)
	c, err := NewCodec(r, "s", avro(recordA), plain{})
	require.NoError(b, err)
	buf := make([]byte, 0, 64)
	for name, append := range map[string]func([]byte, string) ([]byte, error){
		"codec=plain": plain{}.Append, "codec=registry": c.Append} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = append(buf, "hello")
			}
		})
	}
}
