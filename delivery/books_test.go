package delivery

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBooks_AddAndSubCoverEveryField(t *testing.T) {
	var a Books
	v := reflect.ValueOf(&a).Elem()
	for i := range v.NumField() {
		if v.Field(i).CanSet() {
			v.Field(i).SetUint(uint64(i + 1))
		}
	}
	for i := range a.lost {
		a.lost[i] = uint64(100 + i)
	}
	sum := a
	sum.Add(&a)
	require.NotEqual(t, a, sum)
	for i := range v.NumField() - 1 {
		require.Equal(t, uint64(2*(i+1)), reflect.ValueOf(sum).Field(i).Uint(),
			v.Type().Field(i).Name)
	}
	sum.Sub(&a)
	require.Equal(t, a, sum)
}

func TestBooks_EveryOutcomeHasItsPlace(t *testing.T) {
	var b Books
	for o := Delivered; o < outcomes; o++ {
		b.Settle(uint64(o), o, Invalid)
		require.True(t, b.Balanced(), o)
	}
	require.Equal(t, b.Accepted-b.Delivered, b.Lost(Invalid))
	b.Resolve(1, Shed, Closed)
	require.False(t, b.Balanced(), "one more outcome than was accepted")
}

func TestNames_EveryValueHasWordsOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	for o := Pending; o < outcomes; o++ {
		require.NotContains(t, o.String(), "(")
		require.False(t, seen[o.String()])
		seen[o.String()] = true
	}
	for r := range Reasons {
		require.NotContains(t, r.String(), "(")
		require.False(t, seen[r.String()])
		seen[r.String()] = true
	}
	require.Equal(t, "outcome(99)", Outcome(99).String())
	require.Equal(t, "reason(99)", Reason(99).String())
}
