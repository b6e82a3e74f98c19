// Package avro encodes events with Apache Avro.
//
//	codec, err := avro.New[Started](schema)
//	started, err := event.New(p, "playback.started", codec)
//	err = started.Send(Started{User: "u7"})
//
// The value of a record is one Avro datum in the binary encoding, without the schema. A reader must
// know the schema. Readers that use a schema registry expect its ID before the datum: package
// event/registry writes that.
//
// Fields are matched by the tag avro:"name", as github.com/hamba/avro/v2 does.
//
// It is a module of its own, with github.com/hamba/avro/v2.
package avro
