package producer_test

import (
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

// Record{Partition: 3} used to compile, and to mean partition 2. No constant can become a struct.
func TestPartition_IsNoNumber(t *testing.T) {
	require.Equal(t, reflect.Struct, reflect.TypeFor[producer.Partition]().Kind())
	require.LessOrEqual(t, unsafe.Sizeof(producer.Record{}), uintptr(144),
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
