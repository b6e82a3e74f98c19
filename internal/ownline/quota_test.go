package ownline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuota_AllowsNothingMoreThanTwentyTimesAMinute(t *testing.T) {
	var q Quota
	now := time.Now()
	said := func(message string, now time.Time) (n int) {
		for range 100 {
			if q.May(message, now) {
				n++
			}
		}
		return n
	}
	require.Equal(t, PerMinute, said("cluster down", now))
	require.Equal(t, PerMinute, said("cluster up", now.Add(time.Second)))
	require.Zero(t, said("cluster down", now.Add(59*time.Second)))
	require.Equal(t, PerMinute, said("cluster down", now.Add(time.Minute)))
}
