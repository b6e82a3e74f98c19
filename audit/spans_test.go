package audit

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSpans_AreASetOfOffsets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s spans
		model := make(map[int64]bool)
		for range rapid.IntRange(0, 20).Draw(t, "adds") {
			n := span{from: rapid.Int64Range(0, 40).Draw(t, "from")}
			n.upto = n.from + rapid.Int64Range(0, 10).Draw(t, "length")
			fresh := make(map[int64]bool)
			for _, f := range s.add(n) {
				for o := f.from; o < f.upto; o++ {
					require.False(t, model[o], "offset %d was there", o)
					fresh[o] = true
				}
			}
			for o := n.from; o < n.upto; o++ {
				require.Equal(t, !model[o], fresh[o])
				model[o] = true
			}
		}
		for i := 1; i < len(s); i++ {
			require.Less(t, s[i-1].upto, s[i].from, "spans do not touch")
		}
		for from := range int64(55) {
			for upto := from + 1; upto < 56; upto++ {
				all, any := true, false
				for o := from; o < upto; o++ {
					all, any = all && model[o], any || model[o]
				}
				require.Equal(t, all, s.has(span{from, upto}))
				require.Equal(t, any, s.overlaps(span{from, upto}))
			}
		}
	})
}
