package loadtest

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/prometheus/procfs"
)

// listening is the state of a socket in /proc/net/tcp.
const listening = 0x0A

var errNoListener = errors.New("the process that listens there is not to be seen: name it with " +
	"--broker-pids")

// listener returns the process of this machine that listens on a port.
func listener(ip net.IP, port int32) (int, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, err
	}
	var sockets []string // as the files of a process name them
	//nolint:staticcheck // netlink is faster with many connections; this is read once in a run
	for _, table := range []func() (procfs.NetTCP, error){fs.NetTCP, fs.NetTCP6} {
		lines, err := table()
		if err != nil {
			continue // a machine without IPv6
		}
		for _, l := range lines {
			if l.St == listening && l.LocalPort == uint64(port) &&
				(l.LocalAddr.IsUnspecified() || l.LocalAddr.Equal(ip)) {
				sockets = append(sockets, fmt.Sprintf("socket:[%d]", l.Inode))
			}
		}
	}
	if len(sockets) == 0 {
		return 0, errNoListener
	}
	processes, err := fs.AllProcs()
	if err != nil {
		return 0, err
	}
	for _, p := range processes {
		files, err := p.FileDescriptorTargets()
		if err != nil {
			continue // of another user
		}
		for _, socket := range sockets {
			if slices.Contains(files, socket) {
				return p.PID, nil
			}
		}
	}
	return 0, errNoListener
}
