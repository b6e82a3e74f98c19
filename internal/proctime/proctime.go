// Package proctime reads how much processor time another process has taken. It works on Linux.
package proctime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Tick is the unit of times in /proc, on every Linux that Go runs on.
const Tick = time.Second / 100

// Of returns the processor time that a process has taken, of user and system.
func Of(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parse(string(text))
}

func parse(text string) (time.Duration, error) {
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
	return time.Duration(ticks) * Tick, nil
}
