// Package protobuf encodes events with Protocol Buffers.
//
//	started, err := event.New(p, "playback.started", protobuf.New[*pb.Started]())
//	err = started.Send(&pb.Started{User: "u7"})
//
// The value of a record is the message and nothing else. Readers that use a schema registry expect
// the ID of a schema before it: package event/registry writes that.
//
// It is a module of its own, with google.golang.org/protobuf.
package protobuf
