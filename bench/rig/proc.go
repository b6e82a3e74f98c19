package rig

import (
	"fmt"
	"os"
)

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
