package producer_test

import (
	"math"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

// Record{Partition: 3} used to compile, and to mean partition 2. No constant can become a struct.
func TestPartition_IsNoNumber(t *testing.T) {
	require.Equal(t, reflect.Struct, reflect.TypeFor[producer.Partition]().Kind())
	require.LessOrEqual(t, unsafe.Sizeof(producer.Record{}), uintptr(152),
		"Send is given a Record by value")
}

func TestPartition_SaysItsNumber(t *testing.T) {
	for _, x := range []struct {
		p      producer.Partition
		n      int32
		chosen bool
		text   string
	}{
		{producer.Partition{}, -1, false, "any"},
		{producer.ToPartition(0), 0, true, "0"},
		{producer.ToPartition(3), 3, true, "3"},
		{producer.ToPartition(math.MaxInt32), math.MaxInt32, true, "2147483647"},
		{producer.ToPartition(-1), -1, true, "invalid"},
		{producer.ToPartition(math.MinInt32), -1, true, "invalid"},
	} {
		n, chosen := x.p.Number()
		require.Equal(t, []any{x.n, x.chosen, x.text}, []any{n, chosen, x.p.String()})
	}
}

func TestSend_RefusesATTLOutOfItsRange(t *testing.T) {
	p := nowhere(t, nil)
	const year = 365 * 24 * time.Hour
	require.NoError(t, p.Send(producer.Record{Topic: "there"}))
	for _, ttl := range []time.Duration{time.Millisecond, time.Minute, year} {
		rec := producer.Record{Topic: "there", TTL: ttl}
		require.NoError(t, p.Send(rec))
		require.NoError(t, rec.Check())
	}
	for _, ttl := range []time.Duration{-1, -time.Hour, math.MinInt64, 1, time.Millisecond - 1,
		year + 1, math.MaxInt64} {
		for _, topic := range []string{"there", "new"} {
			rec := producer.Record{Topic: topic, TTL: ttl}
			requireSendError(t, p.Send(rec), producer.ErrInvalidRecord, `send to "`+topic+
				`" (medium): invalid record: the TTL is `+ttl.String()+
				": give it 1ms to 8760h (365 days), or 0 for the delivery timeout of the priority")
			require.ErrorIs(t, rec.Check(), producer.ErrInvalidRecord)
		}
	}
	require.EqualValues(t, 14, p.Stats().Refused[producer.ErrInvalidRecord])
	require.Len(t, p.Stats().Topics, 1)
}
