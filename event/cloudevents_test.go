package event_test

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

func TestCloudEvents_WritesTheAttributes(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain, event.HeaderString("ce_tenant", "7"),
		event.CloudEvents(event.Attributes{Source: "https://example.com/a?b=c",
			DataSchema: "https://example.com/1"}))
	before := time.Now()
	require.NoError(t, e.Send("v", event.Subject("sübject")))
	rec := sent(t, &r)
	require.False(t, rec.Timestamp.Before(before))
	at, err := time.Parse(time.RFC3339Nano, header(rec, "ce_time"))
	require.NoError(t, err)
	require.True(t, at.Equal(rec.Timestamp), "Kafka stores the same time")
	require.Regexp(t, regexp.MustCompile(
		"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"), header(rec, "ce_id"))
	rec.Headers[6].Value, rec.Headers[7].Value = nil, nil
	require.Equal(t, []producer.Header{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_source", Value: []byte("https://example.com/a?b=c")},
		{Key: "ce_type", Value: []byte("plays")}, // the topic
		{Key: "ce_dataschema", Value: []byte("https://example.com/1")},
		{Key: "content-type", Value: []byte("text/plain")},
		{Key: "ce_tenant", Value: []byte("7")},
		{Key: "ce_id"}, {Key: "ce_time"},
		{Key: "ce_subject", Value: []byte("sübject")},
	}, rec.Headers)
}

func TestCloudEvents_OneEventMayHaveItsOwnAttributes(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain, event.Subject("default"),
		event.CloudEvents(event.Attributes{Source: "/a", Type: "type"}))
	at := time.Date(2026, 11, 30, 1, 2, 3, 450_000_000, time.FixedZone("", 3600))
	require.NoError(t, e.Send("v", event.At(at), event.ID("own")))
	rec := r.Records()[0]
	require.Equal(t, "2026-11-30T00:02:03.45Z", header(rec, "ce_time"))
	require.Equal(t, "own", header(rec, "ce_id"))
	require.Equal(t, "default", header(rec, "ce_subject"))
	require.NoError(t, e.Send("v", event.Subject("other")))
	require.Equal(t, "other", header(r.Records()[1], "ce_subject"))
}

// A tombstone has no data, so nothing describes it.
func TestCloudEvents_ATombstoneHasNoContentType(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain, event.CloudEvents(event.Attributes{Source: "/a",
		DataSchema: "https://example.com/1"}))
	require.NoError(t, e.SendTombstone([]byte("k")))
	var names []string
	for _, h := range sent(t, &r).Headers {
		names = append(names, h.Key)
	}
	require.Equal(t, []string{"ce_specversion", "ce_source", "ce_type", "ce_id", "ce_time"}, names)
}

// An ID begins with the time, so IDs rise.
func TestCloudEvents_IDsAreUniqueAndRise(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain, event.CloudEvents(event.Attributes{Source: "/a"}))
	begin := time.Now()
	ids := make(map[string]bool)
	const n = 10_000
	last := ""
	for i := range n {
		require.NoError(t, e.Send("v", event.At(begin.Add(time.Duration(i)*time.Millisecond))))
	}
	for _, rec := range r.Records() {
		id := header(rec, "ce_id")
		random := id[len("019ace0f-1a2b-"):]
		if id <= last || ids[random] {
			t.Fatalf("%s after %s: it must rise, and have other random bits", id, last)
		}
		last, ids[random] = id, true
	}
	require.Len(t, ids, n)
}

func TestCloudEvents_NewRejectsAttributesThatReadersWouldNotTake(t *testing.T) {
	var r producertest.Recorder
	good := event.Attributes{Source: "/a"}
	with := func(change func(*event.Attributes)) event.Option {
		a := good
		change(&a)
		return event.CloudEvents(a)
	}
	for want, opts := range map[string][]event.Option{
		"Source is empty: write where the events come from, such as \"/playback\"":         {event.CloudEvents(event.Attributes{})},
		"Source is \"my service\": write it as the URI reference \"my%20service\"":         {with(func(a *event.Attributes) { a.Source = "my service" })},
		"Source is not a URI reference: parse":                                             {with(func(a *event.Attributes) { a.Source = "a\nb" })},
		"Source is not a URI reference: parse \"%zz\"":                                     {with(func(a *event.Attributes) { a.Source = "%zz" })},
		"Type has a control character":                                                     {with(func(a *event.Attributes) { a.Type = "a\u0085" })},
		"Type is not valid UTF-8":                                                          {with(func(a *event.Attributes) { a.Type = "a\xff" })},
		"DataSchema is \"schemas/1\", which has no scheme: write an absolute URI":          {with(func(a *event.Attributes) { a.DataSchema = "schemas/1" })},
		"Subject has a control character":                                                  {event.CloudEvents(good), event.Subject("a\x00")},
		"Subject is empty: write one, or leave it out":                                     {event.CloudEvents(good), event.Subject("")},
		"Header: \"ce_id\" is written by CloudEvents: leave it out":                        {event.CloudEvents(good), event.Header("ce_id", nil)},
		"Header: \"Content-Type\" is written by CloudEvents":                               {event.HeaderString("Content-Type", "x"), event.CloudEvents(good)},
		"Header: \"CE_SpecVersion\" is written by CloudEvents: leave it out\nHeader: \"ce": {event.CloudEvents(good), event.Header("CE_SpecVersion", nil), event.Header("ce_source", nil)},
	} {
		_, err := event.New(&r, "t", plain, opts...)
		require.ErrorContains(t, err, want)
	}
	for media, want := range map[string]string{
		"junk":                        "the codec's ContentType is \"junk\": write a media type, such as \"application/json\": it has no '/'",
		"a b/c":                       "the codec's ContentType is \"a b/c\": write a media type",
		"application/cloudevents":     "stands for the structured mode",
		"Application/CloudEvents+x; ": "stands for the structured mode",
	} {
		_, err := event.New(&r, "t", event.Codec[string](named(media)), event.CloudEvents(good))
		require.ErrorContains(t, err, want, media)
		_, err = event.New(&r, "t", event.Codec[string](named(media)))
		require.NoError(t, err, "nobody writes it")
	}
	e := newEvent(t, &r, event.Codec[string](named("")), event.CloudEvents(good))
	require.NoError(t, e.Send("v"))
	require.Equal(t, "there is no header content-type", header(sent(t, &r), "content-type"))
}

// named is a codec with that content type.
type named string

func (named) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (n named) ContentType() string                       { return string(n) }

func TestCloudEvents_SendRefusesAttributesThatReadersWouldNotTake(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain, event.CloudEvents(event.Attributes{Source: "/a"}))
	for want, opt := range map[string]event.SendOption{
		"the ID is empty: write one, or leave it out":             event.ID(""),
		"the ID has a control character":                          event.ID("\x7f"),
		"the ID is not valid UTF-8":                               event.ID("\xff"),
		"the subject has a control character":                     event.Subject(strings.Repeat("x", 100) + "\n"),
		"the header \"ce_time\" is written by CloudEvents":        event.HeaderString("ce_time", "x"),
		"the header \"CONTENT-TYPE\" is written by CloudEvents":   event.HeaderString("CONTENT-TYPE", "x"),
		"CloudEvents have no times outside of the years 0 to 999": event.At(time.Unix(math.MaxInt32*1000, 0)),
	} {
		for _, err := range []error{e.Send("v", opt), e.SendTombstone([]byte("k"), opt)} {
			require.ErrorIs(t, err, producer.ErrInvalidRecord)
			require.ErrorContains(t, err, want)
		}
	}
	require.Zero(t, e.Stats())
	r.RequireCount(t, "", 0)
}
