package stage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShort_FitsTheColumnOfTheResults(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "0 s",
		87:                      "87 ns",
		999:                     "999 ns",
		1240:                    "1.2 µs",
		9960:                    "10 µs",
		312 * time.Microsecond:  "312 µs",
		4500 * time.Microsecond: "4.5 ms",
		43 * time.Millisecond:   "43 ms",
		2 * time.Second:         "2.0 s",
	} {
		require.Equal(t, want, Short(d))
	}
}

func TestThousands_AreSeparated(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 51982: "51,982",
		1234567: "1,234,567"} {
		require.Equal(t, want, Thousands(n))
	}
}
