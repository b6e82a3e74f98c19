package audit

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOrder_FindsRecordsBehindALaterOneOfTheirKey(t *testing.T) {
	o := newOrder()
	see := func(sequence uint64, key string) bool {
		return o.broken(&Header{Sequence: sequence}, []byte(key))
	}
	require.False(t, see(1, "a"))
	require.False(t, see(3, "a"))
	require.False(t, see(2, "b"), "another key")
	require.True(t, see(0, "a"))
	require.False(t, see(1, "a"), "a copy of what was there before")
	require.False(t, see(5, "a"))
	require.True(t, see(4, "a"))
	require.False(t, o.broken(&Header{Sequence: 0, Run: 7}, []byte("a")), "another run")
}

// With what it has forgotten it may miss some, but it finds none that is not.
func TestOrder_FindsNothingThatIsNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCopies()
		c.noted = copiesRemembered - rapid.IntRange(1, 50).Draw(t, "until it forgets")
		noted := make(map[uint64]bool)
		for range rapid.IntRange(1, 200).Draw(t, "records") {
			n := rapid.Uint64Range(0, 100).Draw(t, "sequence")
			if old := c.note(n); !old {
				require.False(t, noted[n], "%d was there before", n)
			}
			noted[n] = true
			if rapid.IntRange(0, 40).Draw(t, "forget") == 0 {
				c.noted = copiesRemembered - 1
			}
		}
	})
}

func TestOrder_IsBounded(t *testing.T) {
	o := newOrder()
	for i := range keysRemembered * 3 {
		require.False(t, o.broken(&Header{Sequence: uint64(i)}, fmt.Append(nil, i)))
	}
	require.LessOrEqual(t, len(o.newest), keysRemembered)
}
