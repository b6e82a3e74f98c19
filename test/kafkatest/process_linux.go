package kafkatest

import "syscall"

// processAttr puts the child in a group of its own, so that an interrupt typed at a terminal
// reaches only the test, and has the kernel kill it when the thread that starts it ends (see
// startProcess). SIGKILL works on a paused child too.
func processAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
