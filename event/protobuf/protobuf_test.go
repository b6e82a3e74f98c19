package protobuf_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/event/protobuf"
	"github.com/forebay-go/forebay/producertest"
)

func value(depth int) *rapid.Generator[*structpb.Value] {
	return rapid.Custom(func(rt *rapid.T) *structpb.Value {
		switch kind := rapid.IntRange(0, 3+min(depth, 2)).Draw(rt, "kind"); kind {
		case 0:
			return structpb.NewNullValue()
		case 1:
			return structpb.NewNumberValue(rapid.Float64().Draw(rt, "number"))
		case 2:
			return structpb.NewStringValue(rapid.String().Draw(rt, "text"))
		case 3:
			return structpb.NewBoolValue(rapid.Bool().Draw(rt, "bool"))
		case 4:
			return structpb.NewListValue(&structpb.ListValue{
				Values: rapid.SliceOfN(value(depth-1), 0, 5).Draw(rt, "list")})
		default:
			return structpb.NewStructValue(&structpb.Struct{
				Fields: rapid.MapOfN(rapid.String(), value(depth-1), 0, 5).Draw(rt, "fields")})
		}
	})
}

// What is sent decodes to what was given, and equal messages have equal bytes.
func TestNew_WhatIsSentDecodesToWhatWasGiven(t *testing.T) {
	require.Equal(t, "application/protobuf", protobuf.New[*structpb.Value]().ContentType())
	rapid.Check(t, func(rt *rapid.T) {
		v := value(3).Draw(rt, "event")
		var r producertest.Recorder
		e, err := event.New(&r, "plays", protobuf.New[*structpb.Value]())
		require.NoError(rt, err)
		require.NoError(rt, e.Send(v))
		require.NoError(rt, e.Send(proto.CloneOf(v)))
		first, second := r.Records()[0].Value, r.Records()[1].Value
		require.Equal(rt, first, second)
		back := new(structpb.Value)
		require.NoError(rt, proto.Unmarshal(first, back))
		require.True(rt, proto.Equal(v, back))
	})
}

// Any message, also by the interface: its value may be empty, and is not null then.
func TestNew_TakesAnyMessage(t *testing.T) {
	var r producertest.Recorder
	e, err := event.New(&r, "plays", protobuf.New[proto.Message]())
	require.NoError(t, err)
	require.NoError(t, e.Send(new(structpb.Value)))
	require.NoError(t, e.Send(wrapperspb.UInt32(7)))
	require.Equal(t, []byte{}, r.Records()[0].Value)
	require.Equal(t, []byte{8, 7}, r.Records()[1].Value)
}

func TestNew_RefusesWhatCannotBeEncoded(t *testing.T) {
	var r producertest.Recorder
	e, err := event.New(&r, "plays", protobuf.New[proto.Message]())
	require.NoError(t, err)
	for want, m := range map[string]proto.Message{
		"the event is nil":            (*structpb.Value)(nil),
		"the event is nil: use SendT": nil,
		"contains invalid UTF-8":      wrapperspb.String("\xff"),
		"required field google.protobuf.UninterpretedOption.NamePart.name_part not set": &descriptorpb.UninterpretedOption_NamePart{},
	} {
		err := e.Send(m)
		require.ErrorIs(t, err, event.ErrEncode)
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, event.Stats{NotEncoded: 4}, e.Stats())
	r.RequireCount(t, "", 0)
}

func TestNew_AllocatesNothing(t *testing.T) {
	c, buf, v := protobuf.New[*wrapperspb.StringValue](), make([]byte, 0, 100), wrapperspb.String("u7")
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = c.Append(buf, v) }))
}

func FuzzNew(f *testing.F) {
	c := protobuf.New[*structpb.Value]()
	seed, err := c.Append(nil, structpb.NewListValue(&structpb.ListValue{
		Values: []*structpb.Value{structpb.NewStringValue("u7")}}))
	require.NoError(f, err)
	f.Add(seed, []byte("before"))
	f.Fuzz(func(t *testing.T, data, before []byte) {
		v, back := new(structpb.Value), new(structpb.Value)
		if proto.Unmarshal(data, v) != nil {
			return
		}
		got, err := c.Append(before, v)
		require.NoError(t, err)
		require.Equal(t, string(before), string(got[:len(before)]))
		require.NoError(t, proto.Unmarshal(got[len(before):], back))
		require.True(t, proto.Equal(v, back) || v.GetNumberValue() != v.GetNumberValue())
	})
}
