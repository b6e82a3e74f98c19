package calibrate

import (
	"fmt"
	"time"

	"github.com/forebay-go/forebay/internal/proctime"
)

// processorTimes returns the sum for several processes.
func processorTimes(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		d, err := proctime.Of(pid)
		if err != nil {
			return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
		}
		sum += d
	}
	return sum, nil
}
