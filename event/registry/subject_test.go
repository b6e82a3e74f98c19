package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
)

func TestSubjects_AreThoseOfOtherClients(t *testing.T) {
	require.Equal(t, "plays-value", ValueSubject("plays"))
	require.Equal(t, "plays-key", KeySubject("plays"))
	for _, c := range []struct {
		schema  sr.Schema
		subject string
	}{
		{avro(recordA), "A"},
		{avro(`{"type":"record","name":"A","namespace":"acme","fields":[]}`), "acme.A"},
		{avro(`{"type":"record","name":"b.A","namespace":"acme","fields":[]}`), "b.A"},
		{sr.Schema{Schema: `{"title":"Started"}`, Type: sr.TypeJSON}, "Started"},
	} {
		subject, err := RecordSubject(c.schema)
		require.NoError(t, err)
		require.Equal(t, c.subject, subject)
		subject, err = TopicRecordSubject("plays", c.schema)
		require.NoError(t, err)
		require.Equal(t, "plays-"+c.subject, subject)
	}
	for _, c := range []struct {
		schema sr.Schema
		says   string
	}{
		{avro(`"int"`), "schema: has no name: write one of an object"},
		{avro(`{"type":"map"}`), "schema: has no name: write one"},
		{sr.Schema{Schema: `{"name":"A"}`, Type: sr.TypeJSON}, "schema: has no title"},
		{protobuf("message A {}"), "write the full name of the message as the subject"},
		{avro(""), "schema: no text"},
	} {
		_, err := RecordSubject(c.schema)
		require.ErrorContains(t, err, c.says)
	}
}
