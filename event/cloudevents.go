package event

import (
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/forebay-go/forebay/producer"
)

// Attributes are the attributes of CloudEvents 1.0 that all events of a type share.
type Attributes struct {
	// Source says where the events come from. It is a URI reference, such as "/playback" or
	// "https://example.com/playback". New rejects an empty one.
	Source string

	// Type says what has happened, such as "com.example.playback.started". Empty means the name of
	// the topic.
	Type string

	// DataSchema is the address of the schema of the values, an absolute URI. Empty: none is named.
	DataSchema string
}

// CloudEvents adds the attributes of CloudEvents 1.0 to each event as headers, in the binary mode
// of its binding for Kafka: ce_specversion, ce_source, ce_type, ce_id, ce_time, content-type from
// the codec, and ce_dataschema and ce_subject if they are given. The value stays what the codec
// writes. ce_id is a new UUID unless ID names one; ce_time is the timestamp of the record. A
// tombstone has no content-type and no ce_dataschema.
//
// An extension is a header like others: HeaderString("ce_tenant", "7"). Headers that CloudEvents
// writes itself are refused. The headers take about 250 bytes of each record before compression.
func CloudEvents(a Attributes) Option {
	return optionFunc(func(s *settings) {
		a := a
		s.attributes = &a
	})
}

const (
	headerID          = "ce_id"
	headerTime        = "ce_time"
	headerSubject     = "ce_subject"
	headerContentType = "content-type"
)

// reserved are the headers that CloudEvents writes, in the order in which they are looked at.
var reserved = [...]string{headerContentType, headerID, headerTime, headerSubject,
	"ce_specversion", "ce_source", "ce_type", "ce_dataschema"}

// check sets the defaults of a and returns what is wrong with it.
func (a *Attributes) check(topic, contentType string) error {
	if a.Type == "" {
		a.Type = topic
	}
	return errors.Join(
		checkURI("Source", a.Source, false),
		checkText("Type", a.Type),
		checkURI("DataSchema", a.DataSchema, true),
		checkContentType(contentType),
	)
}

func checkURI(name, text string, isSchema bool) error {
	if text == "" {
		if isSchema {
			return nil
		}
		return fmt.Errorf("CloudEvents: %s is empty: write where the events come from, such as "+
			"\"/playback\"", name)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("CloudEvents: %s is not a URI reference: %w", name, err)
	case u.String() != text:
		return fmt.Errorf("CloudEvents: %s is %q: write it as the URI reference %q", name, text, u)
	case isSchema && !u.IsAbs():
		return fmt.Errorf("CloudEvents: %s is %q, which has no scheme: write an absolute URI, "+
			"such as \"https://example.com/schemas/1\"", name, text)
	}
	return nil
}

func checkText(name, text string) error {
	if hint := badText(text); hint != "" {
		return fmt.Errorf("CloudEvents: %s %s", name, hint)
	}
	return nil
}

// badText says why text cannot be an attribute; empty: it can.
func badText(text string) string {
	plain := true // printable ASCII
	for i := range len(text) {
		plain = plain && text[i] >= ' ' && text[i] < 0x7f
	}
	switch {
	case text == "":
		return "is empty: write one, or leave it out"
	case plain:
		return ""
	case !utf8.ValidString(text):
		return "is not valid UTF-8"
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }):
		return "has a control character"
	}
	return ""
}

// checkContentType rejects what a reader would not take for the type of the data.
func checkContentType(text string) error {
	if text == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(text)
	if err == nil && !strings.Contains(media, "/") {
		err = errors.New("it has no '/'")
	}
	switch {
	case err != nil:
		return fmt.Errorf("CloudEvents: the codec's ContentType is %q: write a media type, such "+
			"as \"application/json\": %w", text, err)
	case strings.HasPrefix(media, "application/cloudevents"):
		return fmt.Errorf("CloudEvents: the codec's ContentType is %q, which stands for the "+
			"structured mode: write the media type of the data", text)
	}
	return nil
}

// headers returns the headers that are the same in all events.
func (a *Attributes) headers(contentType string) (all, ofTombstones []producer.Header) {
	header := func(key, value string) producer.Header {
		return producer.Header{Key: key, Value: []byte(value)}
	}
	all = []producer.Header{header("ce_specversion", "1.0"), header("ce_source", a.Source),
		header("ce_type", a.Type)}
	ofTombstones = all
	if a.DataSchema != "" {
		all = append(all, header("ce_dataschema", a.DataSchema))
	}
	if contentType != "" {
		all = append(all, header(headerContentType, contentType))
	}
	return all, ofTombstones
}

// isReserved reports whether CloudEvents writes a header of that name. Readers ignore its case.
func isReserved(name string) bool {
	if len(name) < len(headerID) || name[0]|0x20 != 'c' {
		return false
	}
	for _, r := range reserved {
		if strings.EqualFold(name, r) {
			return true
		}
	}
	return false
}

// addAttributes adds the headers that each event has of its own. It sets the timestamp, so that
// ce_time is what Kafka stores.
func (c *call) addAttributes(s *scratch) string {
	if c.rec.Timestamp.IsZero() {
		c.rec.Timestamp = time.Now()
	}
	at := c.rec.Timestamp.UTC()
	if at.Year() < 0 || at.Year() > 9999 {
		return "CloudEvents have no times outside of the years 0 to 9999"
	}
	if c.has&hasID == 0 {
		from := len(s.buf)
		s.buf = appendID(s.buf, at)
		s.add(headerID, s.buf[from:])
	} else if hint := badText(c.id); hint != "" {
		return "the ID " + hint
	} else {
		s.add(headerID, s.copy(c.id))
	}
	from := len(s.buf)
	s.buf = at.AppendFormat(s.buf, time.RFC3339Nano)
	s.add(headerTime, s.buf[from:])
	if c.has&hasSubject != 0 {
		if hint := badText(c.subject); hint != "" {
			return "the subject " + hint
		}
		s.add(headerSubject, s.copy(c.subject))
	}
	return ""
}

func (s *scratch) add(key string, value []byte) {
	s.headers = append(s.headers, producer.Header{Key: key, Value: value[:len(value):len(value)]})
}
