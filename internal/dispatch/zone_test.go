package dispatch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeepToZone_WhileItHasHalfOfItsShare(t *testing.T) {
	for _, c := range []struct {
		near, partitions, zones int
		keep                    bool
	}{
		{near: 4, partitions: 12, zones: 3, keep: true},
		{near: 2, partitions: 12, zones: 3, keep: true},
		{near: 1, partitions: 12, zones: 3, keep: false},
		{near: 0, partitions: 12, zones: 3, keep: false},
		{near: 0, partitions: 0, zones: 0, keep: false},
		{near: 1, partitions: 1, zones: 3, keep: true},
		{near: 1, partitions: 3, zones: 3, keep: true},
		{near: 6, partitions: 12, zones: 1, keep: true},
	} {
		require.Equal(t, c.keep, KeepToZone(c.near, c.partitions, c.zones), "%+v", c)
	}
}
