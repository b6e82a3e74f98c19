package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

// ValueSubject returns the subject of the values of a topic, "plays-value". This is what other
// clients call TopicNameStrategy, their default.
func ValueSubject(topic string) string { return topic + "-value" }

// KeySubject returns the subject of the keys of a topic, "plays-key", by the same strategy.
func KeySubject(topic string) string { return topic + "-key" }

// RecordSubject returns the subject that other clients call RecordNameStrategy, for topics with
// events of several kinds: the full name of an Avro record, or the title of a JSON schema. The
// subject of a Protobuf message is its full name, which a program has without this function. An
// error says what the schema lacks.
func RecordSubject(schema sr.Schema) (string, error) {
	if schema.Type == sr.TypeProtobuf {
		return "", errors.New("schema: Protobuf: write the full name of the message as the " +
			"subject, such as acme.Started")
	}
	if _, err := normalize(schema); err != nil {
		return "", err
	}
	var head struct{ Name, Namespace, Title string }
	if err := json.Unmarshal([]byte(schema.Schema), &head); err != nil {
		return "", fmt.Errorf("schema: has no name: write one of an object: %w", err)
	}
	if schema.Type == sr.TypeJSON {
		head.Name, head.Namespace = head.Title, ""
	}
	switch {
	case head.Name == "" && schema.Type == sr.TypeJSON:
		return "", errors.New("schema: has no title: write one, or name the subject yourself")
	case head.Name == "":
		return "", errors.New("schema: has no name: write one, or name the subject yourself")
	case head.Namespace == "" || schema.Type == sr.TypeAvro && strings.Contains(head.Name, "."):
		return head.Name, nil
	default:
		return head.Namespace + "." + head.Name, nil
	}
}

// TopicRecordSubject returns the subject that other clients call TopicRecordNameStrategy: the topic
// and, after a hyphen, what [RecordSubject] returns.
func TopicRecordSubject(topic string, schema sr.Schema) (string, error) {
	name, err := RecordSubject(schema)
	return topic + "-" + name, err
}
