package stage

import (
	"fmt"
	"strconv"
	"time"
)

// Short returns d with two digits, or with those before the point if they are more.
func Short(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"s", time.Second}, {"ms", time.Millisecond}, {"µs", time.Microsecond}, {"ns",
		time.Nanosecond}}
	for _, unit := range units {
		n := float64(d) / float64(unit.size)
		if n >= 9.95 {
			return fmt.Sprintf("%.0f %s", n, unit.name)
		}
		if n >= 1 {
			return fmt.Sprintf("%.1f %s", n, unit.name)
		}
	}
	return "0 s"
}

// Thousands returns n as 12,345.
func Thousands(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
