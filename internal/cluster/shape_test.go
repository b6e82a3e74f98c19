package cluster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fill gives everything in v a value: three elements to each list.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[kmsg.Tags]() {
			t := v.Addr().Interface().(*kmsg.Tags)
			t.Set(99, []byte("unknown"))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Version" {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 3 {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("some words")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(8)
	}
}

// answered returns what follows the size in a frame.
func answered(resp kmsg.Response) []byte {
	body := binary.BigEndian.AppendUint32(nil, 1)
	if resp.IsFlexible() && kmsg.Key(resp.Key()) != kmsg.ApiVersions {
		body = append(body, 0)
	}
	return resp.AppendTo(body)
}

// eachShape calls fn with an answer of each shape in each version, with nothing in it and with
// everything.
func eachShape(t *testing.T, fn func(t *testing.T, key kmsg.Key, version int16, body []byte)) {
	for key, s := range shapes {
		require.Equal(t, s.last, kmsg.ResponseForKey(int16(key)).MaxVersion(),
			"kmsg has learnt a version of %s: add it to shapes", key.Name())
		for version := range s.last + 1 {
			for _, full := range []bool{false, true} {
				t.Run(fmt.Sprint(key.Name(), version, full), func(t *testing.T) {
					resp := kmsg.ResponseForKey(int16(key))
					if full {
						fill(reflect.ValueOf(resp).Elem())
					}
					resp.SetVersion(version)
					fn(t, key, version, answered(resp))
				})
			}
		}
	}
}

func TestSensible_WhateverKmsgWrites(t *testing.T) {
	eachShape(t, func(t *testing.T, key kmsg.Key, version int16, body []byte) {
		require.True(t, sensible(key, version, body))
	})
}

func TestSensible_NothingThatIsCutShort(t *testing.T) {
	eachShape(t, func(t *testing.T, key kmsg.Key, version int16, body []byte) {
		for n := 4; n < len(body); n++ {
			require.False(t, sensible(key, version, body[:n]), "%d of %d bytes", n, len(body))
		}
	})
}

// kmsg counts down four billion tags here, for half a minute.
func TestSensible_NotTagsThatAreNotThere(t *testing.T) {
	body := []byte{0, 0, 0, 1, 0, 0, 2, 0, 18, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x0f}
	require.False(t, sensible(kmsg.ApiVersions, 3, body))
}

func TestGuard_AnAnswerIsTheSameInManyPieces(t *testing.T) {
	eachShape(t, func(t *testing.T, key kmsg.Key, version int16, body []byte) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		g := guard(theirs, newOutbox(), new(origin), -1)
		defer g.Close()
		go func() {
			go func() { _, _ = io.Copy(io.Discard, ours) }()
			for _, b := range append(binary.BigEndian.AppendUint32(nil, uint32(len(body))),
				body...) {
				_, _ = ours.Write([]byte{b})
			}
		}()
		request := binary.BigEndian.AppendUint32(nil, 8)
		request = binary.BigEndian.AppendUint16(request, uint16(key))
		request = binary.BigEndian.AppendUint16(request, uint16(version))
		_, err := g.Write(append(request, 0, 0, 0, 1))
		require.NoError(t, err)
		got := make([]byte, 4+len(body))
		_, err = io.ReadFull(g, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got[4:]))
	})
}

func TestGuard_WhatIsOnlyClaimedTakesNoMemory(t *testing.T) {
	for _, size := range []int32{maxAnswer, 90 << 20, math.MaxInt32, -1} {
		ours, theirs := net.Pipe()
		g := guard(theirs, newOutbox(), new(origin), -1)
		go func() {
			_, _ = ours.Write(append(binary.BigEndian.AppendUint32(nil, uint32(size)),
				"and nothing more"...))
			ours.Close()
		}()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.NoError(t, g.SetReadDeadline(time.Now().Add(10*time.Second)))
		_, _ = io.ReadAll(g)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
		g.Close()
	}
}
