package rig

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the kernel's unit of a process's time in /proc, on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// CPUOf returns the processor time that a process has taken, of user and system.
func CPUOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

func parseStat(text string) (time.Duration, error) {
	// The second field is the name of the program in parentheses, which may hold anything.
	i := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[i+1:])
	const user, system = 11, 12 // fields 14 and 15 of proc(5), counted from after the name
	if i < 0 || len(fields) <= system {
		return 0, fmt.Errorf("cannot read %q", text)
	}
	ticks := int64(0)
	for _, f := range fields[user : system+1] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// LoadAverage returns that of the last minute, or -1 where there is no /proc.
func LoadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return -1
	}
	var load float64
	if _, err := fmt.Sscan(string(text), &load); err != nil {
		return -1
	}
	return load
}
