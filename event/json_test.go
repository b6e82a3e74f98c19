package event_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/event"
)

// byPointer has a method with a pointer receiver.
type byPointer struct{ text string }

func (p *byPointer) MarshalJSON() ([]byte, error) { return []byte(`"` + p.text + `"`), nil }

func TestJSON_WritesWhatJSONWritesWithoutEscapesOfHTML(t *testing.T) {
	require.Equal(t, "application/json", event.JSON[int]().ContentType())
	got, err := event.JSON[map[string]any]().Append([]byte("before"), map[string]any{
		"b": "<a href='x'>&\u2028\n", "a": []int{1}, "c": nil})
	require.NoError(t, err)
	require.Equal(t, `before{"a":[1],"b":"<a href='x'>&\u2028\n","c":null}`, string(got))
	got, err = event.JSON[byPointer]().Append(nil, byPointer{"called"})
	require.NoError(t, err)
	require.Equal(t, `"called"`, string(got))
	got, err = event.JSON[json.RawMessage]().Append(nil, json.RawMessage("{ \"a\" :\n1}"))
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(got))
	got, err = event.JSON[json.RawMessage]().Append(nil, nil)
	require.NoError(t, err)
	require.Equal(t, "null", string(got))
}

func TestJSON_AnErrorLeavesNothingBehind(t *testing.T) {
	c := event.JSON[any]()
	for range 3 {
		_, err := c.Append(nil, make(chan int))
		require.EqualError(t, err, "json: unsupported type: chan int")
		got, err := c.Append(nil, 1)
		require.NoError(t, err)
		require.Equal(t, "1", string(got))
	}
}

func FuzzJSON(f *testing.F) {
	c := event.JSON[any]()
	for _, seed := range []string{`{"a":[1,2.5e3,"x",null,true]}`, `"<&>"`, `[]`, `0`,
		`{"\u0000":{"":[[[]]]}}`} {
		f.Add([]byte(seed), []byte("before"))
	}
	f.Fuzz(func(t *testing.T, value, before []byte) {
		var v any
		if json.Unmarshal(value, &v) != nil {
			return
		}
		got, err := c.Append(before, v)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(got, before))
		got = got[len(before):]
		require.False(t, bytes.ContainsRune(got, '\n'))
		var back any
		require.NoError(t, json.Unmarshal(got, &back))
		require.Equal(t, v, back)
	})
}
