package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
)

func fingerprint(t *testing.T, s sr.Schema) string {
	t.Helper()
	f, err := Fingerprint(s)
	require.NoError(t, err)
	require.Len(t, f, len(fingerprintPrefix)+64)
	return f
}

func avro(text string) sr.Schema     { return sr.Schema{Schema: text} }
func protobuf(text string) sr.Schema { return sr.Schema{Schema: text, Type: sr.TypeProtobuf} }

const recordA = `{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}`

func TestFingerprint_IgnoresOnlyWhatDoesNotCount(t *testing.T) {
	same := fingerprint(t, avro(recordA))
	require.Equal(t, same, fingerprint(t, avro(` { "name" : "A", "type":"record",
		"fields": [{"type":"int", "name": "x"}] }`+"\r\n")))
	for name, other := range map[string]sr.Schema{
		"field": avro(`{"type":"record","name":"A","fields":[{"name":"y","type":"int"}]}`),
		"order of fields": avro(`{"type":"record","name":"A","fields":[{"name":"z","type":"int"},` +
			`{"name":"x","type":"int"}]}`),
		"doc":    avro(`{"type":"record","name":"A","doc":"d","fields":[{"name":"x","type":"int"}]}`),
		"number": avro(`{"type":"record","name":"A","n":1.0,"fields":[{"name":"x","type":"int"}]}`),
		"type":   {Schema: recordA, Type: sr.TypeJSON},
		"reference": {Schema: recordA,
			References: []sr.SchemaReference{{Name: "B", Subject: "b", Version: 1}}},
		"metadata": {Schema: recordA,
			SchemaMetadata: &sr.SchemaMetadata{Properties: map[string]string{"a": "b"}}},
	} {
		require.NotEqual(t, same, fingerprint(t, other), name)
	}
	const big = `{"type":"enum","n":12345678901234567890123}`
	require.NotEqual(t, fingerprint(t, avro(big)),
		fingerprint(t, avro(`{"type":"enum","n":12345678901234567890124}`)))
	require.Equal(t, fingerprint(t, protobuf("message A {}\nmessage B {}\n")),
		fingerprint(t, protobuf("\n message A {}\r\nmessage B {}\r\n")))
	require.NotEqual(t, fingerprint(t, protobuf("message A {} // a")),
		fingerprint(t, protobuf("message A {} // b")))
}

func TestFingerprint_DoesNotDependOnTheOrderOfReferences(t *testing.T) {
	refs := []sr.SchemaReference{{Name: "B", Subject: "b", Version: 1},
		{Name: "A", Subject: "a", Version: 2}}
	one := sr.Schema{Schema: recordA, References: refs}
	other := sr.Schema{Schema: recordA, References: []sr.SchemaReference{refs[1], refs[0]}}
	require.Equal(t, fingerprint(t, one), fingerprint(t, other))
	require.Equal(t, "B", refs[0].Name, "the caller's slice stays as it is")
	other.References[0].Version = 3
	require.NotEqual(t, fingerprint(t, one), fingerprint(t, other))
}

func TestFingerprint_RefusesWhatNoRegistryTakes(t *testing.T) {
	for _, c := range []struct {
		schema sr.Schema
		says   string
	}{
		{sr.Schema{}, "schema: no text: write the schema itself"},
		{avro(" \n"), "schema: no text"},
		{avro(`{"type":`), "schema: not JSON: unexpected EOF: write an Avro or JSON schema"},
		{avro(`"int" "int"`), "schema: not JSON: more text after its end"},
		{sr.Schema{Schema: "message A {}", Type: sr.TypeJSON}, "schema: not JSON"},
		{sr.Schema{Schema: recordA, Type: 7}, "schema: unknown type 7: write sr.TypeAvro"},
		{sr.Schema{Schema: recordA, References: []sr.SchemaReference{{Name: "B", Subject: "b"}}},
			`schema: reference 1 (name "B", subject "b", version 0): write the name`},
	} {
		_, err := Fingerprint(c.schema)
		require.ErrorContains(t, err, c.says)
	}
}
