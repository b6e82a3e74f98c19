package avro_test

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	hamba "github.com/hamba/avro/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/event/avro"
	"github.com/forebay-go/forebay/producertest"
)

const schema = `{"type": "record", "name": "Started", "fields": [
	{"name": "user", "type": "string"},
	{"name": "title", "type": "long"},
	{"name": "device", "type": {"type": "enum", "name": "Device", "symbols": ["TV", "PHONE"]}},
	{"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
	{"name": "tags", "type": {"type": "array", "items": "string"}},
	{"name": "sizes", "type": {"type": "map", "values": "double"}},
	{"name": "next", "type": ["null", "Started"], "default": null},
	{"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
	{"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
	{"name": "late", "type": "boolean", "default": true}
]}`

type base struct {
	User  string `avro:"user"`
	Title int64  `avro:"title"`
}

type started struct {
	base
	Device string             `avro:"device"`
	At     time.Time          `avro:"at"`
	Tags   []string           `avro:"tags"`
	Sizes  map[string]float64 `avro:"sizes"`
	Next   *started           `avro:"next"`
	Hash   [4]byte            `avro:"hash"`
	Price  *big.Rat           `avro:"price"`
}

func drawn(depth int) *rapid.Generator[started] {
	return rapid.Custom(func(rt *rapid.T) started {
		v := started{
			base:   base{rapid.String().Draw(rt, "user"), rapid.Int64().Draw(rt, "title")},
			Device: rapid.SampledFrom([]string{"TV", "PHONE"}).Draw(rt, "device"),
			At:     time.UnixMilli(rapid.Int64Range(-1e12, 1e13).Draw(rt, "at")).UTC(),
			Tags:   rapid.SliceOf(rapid.String()).Draw(rt, "tags"),
			Sizes:  rapid.MapOf(rapid.String(), rapid.Float64()).Draw(rt, "sizes"),
			Price:  big.NewRat(rapid.Int64Range(-1e6, 1e6).Draw(rt, "price"), 100),
		}
		copy(v.Hash[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(rt, "hash"))
		if depth > 0 && rapid.Bool().Draw(rt, "has next") {
			next := drawn(depth-1).Draw(rt, "next")
			v.Next = &next
		}
		return v
	})
}

func requireSame(t require.TestingT, want, got started) {
	require.Zero(t, want.Price.Cmp(got.Price))
	if want.Next != nil && got.Next != nil {
		requireSame(t, *want.Next, *got.Next)
		want.Next, got.Next = nil, nil
	}
	want.Price, got.Price = nil, nil
	require.True(t, want.At.Equal(got.At))
	got.At = want.At
	require.Equal(t, want, got)
}

// What is sent decodes to what was given, whether T is the struct or a pointer to it.
func TestNew_WhatIsSentDecodesToWhatWasGiven(t *testing.T) {
	parsed := hamba.MustParse(schema)
	values, err := avro.New[started](schema)
	require.NoError(t, err)
	require.Equal(t, "application/avro", values.ContentType())
	pointers, err := avro.New[*started](schema)
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		v := drawn(2).Draw(rt, "event")
		var r producertest.Recorder
		byValue, err := event.New(&r, "plays", values)
		require.NoError(rt, err)
		require.NoError(rt, byValue.Send(v))
		byPointer, err := event.New(&r, "plays", pointers)
		require.NoError(rt, err)
		require.NoError(rt, byPointer.Send(&v))
		for _, rec := range r.Records() {
			var back started
			require.NoError(rt, hamba.Unmarshal(parsed, rec.Value, &back))
			requireSame(rt, v, back)
		}
	})
}

func TestNew_RejectsTypesThatDoNotFit(t *testing.T) {
	record := func(fields string) string {
		return `{"type": "record", "name": "R", "fields": [` + fields + `]}`
	}
	a := func(typ string) string { return record(`{"name": "A", "type": ` + typ + `}`) }
	enum := `{"type": "enum", "name": "E", "symbols": ["X"]}`
	type inner struct{ B int64 }
	type embedded struct{ *inner }
	type tree struct {
		L, R *tree
		M    map[string]tree
		S    []*tree
		E    string
	}
	type loop struct{ A *struct{ B *loop } }
	type vertex struct{ A []struct{ B *vertex } }
	type deep struct{ A []map[string]*inner }
	for name, c := range map[string]struct {
		err  error
		want string // empty: it fits
	}{
		"fits":           {of[struct{ A string }](a(`"string"`)), ""},
		"junk":           {of[int](`{`), "avro: the schema: "},
		"missing":        {of[struct{ B string }](a(`"string"`)), `does not fit the schema: avro: record R is missing required field "A"`},
		"unexported":     {of[struct{ a string }](a(`"string"`)), `missing required field "A"`},
		"default":        {of[struct{}](record(`{"name": "A", "type": "int", "default": 1}`)), ""},
		"type":           {of[struct{ A string }](a(`"long"`)), "struct { A string } does not fit the schema: A: avro: string is unsupported for Avro long"},
		"pointer":        {of[*struct{ A string }](a(`"long"`)), "string is unsupported for Avro long"},
		"no record":      {of[string](a(`"long"`)), "string is unsupported for avro record"},
		"enum":           {of[struct{ A string }](a(enum)), ""},
		"enum int":       {of[struct{ A int }](a(enum)), "int is unsupported for Avro enum"},
		"null union":     {of[struct{ A *int64 }](a(`["null", "long"]`)), ""},
		"bad null union": {of[struct{ A *int64 }](a(`["null", "string"]`)), "int64 is unsupported for Avro string"},
		"array":          {of[struct{ A []int64 }](a(`{"type": "array", "items": "string"}`)), "int64 is unsupported for Avro string"},
		"null array":     {of[struct{ A []int64 }](a(`["null", {"type": "array", "items": "string"}]`)), "int64 is unsupported for Avro string"},
		"map":            {of[struct{ A map[string]int64 }](a(`{"type": "map", "values": "string"}`)), "int64 is unsupported for Avro string"},
		"map by ints":    {of[struct{ A map[int]int64 }](a(`{"type": "map", "values": "long"}`)), "map[int]int64 is unsupported for Avro map"},
		"map by texts":   {of[struct{ A map[netip.Addr]int64 }](a(`{"type": "map", "values": "long"}`)), ""},
		"endless":        {of[tree](record(`{"name": "L", "type": "R"}`)), "record R is a part of itself, and no value has an end: write a union with null"},
		"endless by two": {of[loop](a(`{"type": "record", "name": "S", "fields": [{"name": "B", "type": "R"}]}`)), "record R is a part of itself"},
		"edges":          {of[vertex](a(`{"type": "array", "items": {"type": "record", "name": "S", "fields": [{"name": "B", "type": "R"}]}}`)), ""},
		"twice":          {of[struct{ A, B *inner }](a(strings.Replace(record(`{"name": "B", "type": "long"}`), `"R"`, `"S"`, 1) + `}, {"name": "B", "type": "S"`)), ""},
		"map of ints":    {of[struct{ A map[string]int64 }](a(`{"type": "map", "values": "long"}`)), ""},
		"deep":           {of[deep](a(`{"type": "array", "items": {"type": "map", "values": ["null", ` + strings.Replace(record(`{"name": "B", "type": "string"}`), `"R"`, `"S"`, 1) + `]}}`)), "int64 is unsupported for Avro string"},
		"a tree":         {of[tree](strings.ReplaceAll(record(`{"name": "L", "type": ["null", "R"]}, {"name": "R", "type": ["R", "null"]}, {"name": "M", "type": {"type": "map", "values": "R"}}, {"name": "S", "type": {"type": "array", "items": "R"}}, {"name": "E", "type": `+enum+`}`), "\n", "")), ""},
		"a bad tree":     {of[tree](record(`{"name": "L", "type": ["null", "R"]}, {"name": "E", "type": "long"}`)), "string is unsupported for Avro long"},
		"embedded":       {of[embedded](record(`{"name": "B", "type": "string"}`)), ""}, // unsure: it cannot be set
		"uint64":         {of[struct{ A uint64 }](a(`{"type": "fixed", "name": "F", "size": 8}`)), "uint64 for a fixed type is not encoded safely on several goroutines: write [8]byte"},
		"null uint64":    {of[struct{ A *uint64 }](a(`["null", {"type": "fixed", "name": "F", "size": 8}]`)), "write [8]byte"},
		"rat":            {of[struct{ A big.Rat }](a(`"string"`)), "does not fit the schema: "}, // the library panics
		"anything":       {of[struct{ A any }](a(`"string"`)), ""},
		"any record":     {of[map[string]any](a(`"string"`)), ""},
		"text":           {of[struct{ A big.Int }](a(`"string"`)), ""},
		"primitive":      {of[string](`"string"`), ""},
		"bad primitive":  {of[string](`"long"`), "string is unsupported for Avro long"},
		"others":         {of[struct{ A string }](a(`"E"`), enum), ""},
		"bad others":     {of[struct{ A string }](a(`"E"`), `"string"`, `{`), "avro: schema 2 of the others: "},
		"no others":      {of[struct{ A string }](a(`"E"`)), "avro: the schema: "},
		"the same name":  {of[struct{ A int64 }](a(`"long"`)), ""},
	} {
		if c.want == "" {
			require.NoError(t, c.err, name)
		} else {
			require.ErrorContains(t, c.err, c.want, name)
		}
	}
}

// of returns the error of New.
func of[T any](schema string, others ...string) error {
	_, err := avro.New[T](schema, others...)
	return err
}

// A value may still not fit, and leaves nothing in the next.
func TestAppend_RefusesValuesThatDoNotFit(t *testing.T) {
	c, err := avro.New[*started](schema)
	require.NoError(t, err)
	good := started{Device: "TV", Price: new(big.Rat)}
	want, err := c.Append([]byte("before"), &good)
	require.NoError(t, err)
	bad := good
	bad.Device = "RADIO"
	for range 3 {
		_, err = c.Append(nil, &bad)
		require.ErrorContains(t, err, "unknown enum symbol: RADIO")
		got, err := c.Append([]byte("before"), &good)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	anything, err := avro.New[any](`"long"`)
	require.NoError(t, err)
	_, err = anything.Append(nil, "text")
	require.ErrorContains(t, err, "string is unsupported for Avro long")
}

func TestAppend_ConcurrentSafe(t *testing.T) {
	c, err := avro.New[started](schema)
	require.NoError(t, err)
	parsed := hamba.MustParse(schema)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				v := started{base: base{User: strings.Repeat(fmt.Sprint(g), i), Title: int64(i)},
					Device: "TV", Price: new(big.Rat)}
				got, err := c.Append(nil, v)
				require.NoError(t, err)
				var back started
				require.NoError(t, hamba.Unmarshal(parsed, got, &back))
				require.Equal(t, v.base, back.base)
			}
		})
	}
	wg.Wait()
}

func TestAppend_AllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has pools forget some of what they get")
	}
	type small struct {
		User  string `avro:"user"`
		Title int64  `avro:"title"`
	}
	c, err := avro.New[small](`{"type": "record", "name": "S", "fields": [
		{"name": "user", "type": "string"}, {"name": "title", "type": "long"}]}`)
	require.NoError(t, err)
	buf, v := make([]byte, 0, 100), small{"u7", 9}
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = c.Append(buf, v) }))
}

func FuzzAppend(f *testing.F) {
	c, err := avro.New[started](schema)
	require.NoError(f, err)
	parsed := hamba.MustParse(schema)
	seed, err := c.Append(nil, started{base: base{"u7", 9}, Device: "TV", Tags: []string{"a"},
		Next: &started{Device: "PHONE", Price: big.NewRat(5, 2)}, Price: new(big.Rat)})
	require.NoError(f, err)
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		var v, back started
		if len(data) > 1<<10 || hamba.Unmarshal(parsed, data, &v) != nil || v.Price == nil {
			return
		}
		got, err := c.Append(nil, v)
		if err != nil { // what was cut off in data has no value
			return
		}
		require.NoError(t, hamba.Unmarshal(parsed, got, &back))
		again, err := c.Append(nil, back)
		require.NoError(t, err)
		if len(v.Sizes) < 2 { // the order of a map is not fixed
			require.Equal(t, got, again)
		}
	})
}
