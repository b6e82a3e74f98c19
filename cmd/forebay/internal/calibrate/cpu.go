package calibrate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc. Linux shows hundredths of a second on every machine.
const tick = time.Second / 100

// processorTime returns the processor time that a process has taken, user and system.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	// the second field is the command in brackets, which may have spaces
	end := strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:]))
	const user, system = 14 - 3, 15 - 3 // counted from the third field on
	if end < 0 || len(fields) <= system {
		return 0, errors.New("not as Linux writes it")
	}
	var sum time.Duration
	for _, field := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, errors.New("not as Linux writes it")
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// processorTimes returns the sum for several processes.
func processorTimes(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		d, err := processorTime(pid)
		if err != nil {
			return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
		}
		sum += d
	}
	return sum, nil
}
