//go:build unix && !linux

package kafkatest

import "syscall"

// processAttr leaves the child in the group of the test, so that an interrupt typed at a terminal
// ends both. These kernels have no signal for the death of a parent: a test process ended by
// SIGKILL leaves its brokers behind.
func processAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
