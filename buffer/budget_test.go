package buffer

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A reservation that does not fit must not be seen, neither in Used nor by another that does.
func TestBudget_ARefusedReservationIsNeverCounted(t *testing.T) {
	const limit, large, rounds = 1000, 900, 100_000
	b := NewBudget(limit)
	require.NoError(t, b.Reserve(0, limit/2))
	var wg sync.WaitGroup
	taken := 0
	wg.Go(func() {
		for range rounds {
			if b.Reserve(0, large) == nil {
				taken++
			}
		}
	})
	highest, refused := int64(0), 0
	for range rounds {
		highest = max(highest, b.Used())
		if b.Reserve(0, 1) != nil {
			refused++
			continue
		}
		b.Adjust(0, -1)
	}
	wg.Wait()
	require.Zero(t, taken)
	require.Zero(t, refused, "there was always room for it")
	require.LessOrEqual(t, highest, int64(limit))
	require.EqualValues(t, limit/2, b.Used())
}

// Whatever is taken and given back in whatever order: nothing exceeds its bounds, what is
// guaranteed to the lower classes is never held by higher ones, and a class is refused what is
// guaranteed to it only while lower ones have borrowed that.
func TestBudget_KeepsEveryBoundAndGuarantee(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const limit = 1000
		b := NewBudget(limit)
		var guarantees, ceilings [Classes]int64
		left := int64(limit)
		for c := range Classes {
			guarantees[c] = rapid.Int64Range(0, left).Draw(rt, "guarantee")
			left -= guarantees[c]
			ceilings[c] = rapid.Int64Range(guarantees[c], limit).Draw(rt, "ceiling")
			b.SetClass(c, guarantees[c], ceilings[c])
		}
		var used [Classes]int64
		var known [Classes]bool
		if rapid.Bool().Draw(rt, "all are known") {
			for c := range Classes {
				require.NoError(rt, b.Reserve(c, 0))
				known[c] = true
			}
		}
		// before a lower class was known, a higher one may have taken what is guaranteed to that
		takenUnknown := false
		for range rapid.IntRange(1, 100).Draw(rt, "steps") {
			c := rapid.IntRange(0, Classes-1).Draw(rt, "class")
			n := rapid.Int64Range(1, limit/3).Draw(rt, "bytes")
			if rapid.IntRange(0, 2).Draw(rt, "give back") == 0 {
				n = min(n, used[c])
				b.Adjust(c, -n)
				used[c] -= n
				continue
			}
			takenUnknown = takenUnknown || !known[c]
			known[c] = true
			err := b.Reserve(c, n)
			if err == nil {
				used[c] += n
				require.LessOrEqual(rt, used[c], ceilings[c])
			}
			borrowed, guaranteed := false, int64(0)
			for d := range Classes {
				borrowed = borrowed || d < c && used[d] > guarantees[d]
			}
			if err != nil && !takenUnknown && used[c]+n <= guarantees[c] {
				require.True(rt, borrowed, "class %d was refused %d of its guarantee: %v of %v", c,
					n, used, guarantees)
			}
			for d := range Classes {
				guaranteed += guarantees[d]
				higher := int64(0)
				for e := d + 1; e < Classes; e++ {
					higher += used[e]
				}
				if !takenUnknown {
					require.LessOrEqual(rt, higher, limit-guaranteed, "above class %d: %v of %v", d,
						used, guarantees)
				}
			}
			by, sum := b.Shares()
			require.Equal(rt, used, by)
			require.Equal(rt, used[0]+used[1]+used[2], sum)
			require.LessOrEqual(rt, sum, int64(limit))
		}
	})
}

func TestBudget_AGuaranteeIsKeptFromTheFirstRecordOnAndLentDownwardsOnly(t *testing.T) {
	b := NewBudget(1000)
	b.SetClass(0, 100, 1000)
	b.SetClass(1, 200, 1000)
	require.NoError(t, b.Reserve(2, 1000), "nobody else has had a record")
	require.ErrorIs(t, b.Reserve(0, 1), ErrFull)
	b.Adjust(2, -300)
	require.NoError(t, b.Reserve(2, 200), "but low has")
	require.ErrorIs(t, b.Reserve(2, 1), ErrFull)
	require.NoError(t, b.Reserve(0, 100))
	b.Adjust(2, -500)
	require.NoError(t, b.Reserve(0, 500), "what medium does not use is lent to low")
	require.ErrorIs(t, b.Reserve(1, 1), ErrFull)
	require.True(t, b.AboveGuarantee(0), "so medium can have it taken back")
}

func TestBudget_BoundsChangeWhileItIsUsed(t *testing.T) {
	b := NewBudget(1000)
	require.NoError(t, b.Reserve(1, 800))
	b.SetMax(500)
	require.ErrorIs(t, b.Reserve(1, 1), ErrFull)
	b.Adjust(1, -400)
	b.SetClass(1, 0, 450)
	require.ErrorIs(t, b.Reserve(1, 51), ErrCeiling)
	require.ErrorIs(t, b.Reserve(1, 51), ErrFull, "it is one all the same")
	require.NoError(t, b.Reserve(1, 50))
	require.NoError(t, b.Reserve(2, 50))
}

// Nobody makes room where nobody of higher priority wants it.
func TestBudget_PressesOnlyForAHigherClassThatTakesWhatIsScarce(t *testing.T) {
	pressed := func(b *Budget) bool {
		select {
		case <-b.Pressed():
			return true
		default:
			return false
		}
	}
	b := NewBudget(1000)
	b.SetClass(0, 100, 1000)
	require.NoError(t, b.Reserve(2, 100))
	require.NoError(t, b.Reserve(0, 850))
	require.ErrorIs(t, b.Reserve(0, 100), ErrFull)
	require.False(t, pressed(b), "low floods by itself")
	require.NoError(t, b.Reserve(2, 1))
	require.True(t, pressed(b))
	b.Adjust(0, -800)
	b.Adjust(2, 850)
	require.ErrorIs(t, b.Reserve(2, 1), ErrFull)
	require.False(t, pressed(b), "low has no more than its guarantee")
}

// While batches are to be dealt out, a part is free for that; but whoever can have room of lower
// classes is not refused for it.
func TestBudget_KeepsAPartForWhatIsToBeDealtOut(t *testing.T) {
	b := NewBudget(6400)
	require.NoError(t, b.Reserve(0, 6300))
	b.Owe(true)
	b.Owe(true)
	require.ErrorIs(t, b.Reserve(0, 1), ErrFull)
	require.NoError(t, b.Reserve(1, 100))
	b.Owe(false)
	b.Adjust(1, -100)
	require.ErrorIs(t, b.Reserve(0, 1), ErrFull)
	b.Owe(false)
	require.NoError(t, b.Reserve(0, 100))
}
