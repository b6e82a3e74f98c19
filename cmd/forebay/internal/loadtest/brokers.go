package loadtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/internal/proctime"
)

// brokers are the processes of the brokers.
type brokers struct {
	pids []int
	why  string // why there are none
}

// findBrokers finds the processes of all brokers of the cluster. If one of them is not on this
// machine, the processor time of the brokers is not at hand.
func findBrokers(ctx context.Context, list kadm.BrokerDetails) brokers {
	var b brokers
	for _, broker := range list {
		pid, err := processOf(ctx, broker.Host, broker.Port)
		if err != nil {
			return brokers{why: fmt.Sprintf("broker %d (%s:%d): %v", broker.NodeID, broker.Host,
				broker.Port, err)}
		}
		b.pids = append(b.pids, pid)
	}
	if _, ok := b.cpu(); !ok {
		return brokers{why: "the times of the brokers' processes cannot be read"}
	}
	return b
}

// processOf returns the process that listens where a broker does.
func processOf(ctx context.Context, host string, port int32) (int, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return 0, err
	}
	for _, addr := range addrs {
		ip := net.IP(addr.Unmap().AsSlice())
		if !isLocal(ip) {
			continue
		}
		pid, err := listener(ip, port)
		if err == nil && pid == os.Getpid() {
			err = fmt.Errorf("it is this process")
		}
		return pid, err
	}
	return 0, fmt.Errorf("it is not on this machine")
}

func isLocal(ip net.IP) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, addr := range addrs {
		if network, ok := addr.(*net.IPNet); ok && network.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// cpu returns the processor time that the brokers have taken.
func (b *brokers) cpu() (sum time.Duration, ok bool) {
	for _, pid := range b.pids {
		d, err := proctime.Of(pid)
		if err != nil {
			return 0, false
		}
		sum += d
	}
	return sum, len(b.pids) > 0
}
