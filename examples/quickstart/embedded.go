package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/routing"
)

const (
	brokersPerCluster  = 3
	partitionsPerTopic = 6
)

// embedded is three Kafka clusters in this process, one for each priority. Where they listen is
// known before they run, and what they have stored is there again when they come back.
type embedded struct {
	dir     string // the data of all clusters; removed by close
	ports   map[routing.Priority][]int
	running map[routing.Priority]*kfake.Cluster

	// called right before a cluster starts, and again before each further attempt
	starting func(routing.Priority)
}

// reserve chooses free ports. Nothing listens there until start.
func reserve() (*embedded, error) {
	e := &embedded{
		ports:    make(map[routing.Priority][]int),
		running:  make(map[routing.Priority]*kfake.Cluster),
		starting: func(routing.Priority) {},
	}
	for _, priority := range routing.All {
		for range brokersPerCluster {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, fmt.Errorf("find a free port: %w", err)
			}
			defer l.Close() // when all are chosen, so that no port comes twice
			e.ports[priority] = append(e.ports[priority], l.Addr().(*net.TCPAddr).Port)
		}
	}
	dir, err := os.MkdirTemp("", "forebay-quickstart-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the clusters: %w", err)
	}
	e.dir = dir
	return e, nil
}

// brokers returns the addresses of a cluster, running or not.
func (e *embedded) brokers(priority routing.Priority) []string {
	var addrs []string
	for _, port := range e.ports[priority] {
		addrs = append(addrs, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	return addrs
}

// start brings a cluster up, with the data it had if it ran before. Somebody else may have taken
// one of its ports meanwhile, if only for a connection, so it tries for some seconds.
func (e *embedded) start(ctx context.Context, priority routing.Priority) error {
	opts := []kfake.Opt{
		kfake.Ports(e.ports[priority]...),
		kfake.DataDir(filepath.Join(e.dir, priority.String())),
		kfake.SeedTopics(partitionsPerTopic, topicsOf(priority)...),
	}
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	giveUp := time.Now().Add(5 * time.Second)
	for {
		e.starting(priority)
		c, err := kfake.NewCluster(opts...)
		if err == nil {
			e.running[priority] = c
			return nil
		}
		if time.Now().After(giveUp) {
			return fmt.Errorf("start the %v cluster: %w", priority, err)
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stop takes a cluster away: its ports refuse connections, and those that were open end.
func (e *embedded) stop(priority routing.Priority) {
	if c := e.running[priority]; c != nil {
		c.Close()
		delete(e.running, priority)
	}
}

// close stops the clusters and removes their data.
func (e *embedded) close() {
	for _, priority := range routing.All {
		e.stop(priority)
	}
	_ = os.RemoveAll(e.dir) // a temporary folder: if it cannot be removed, the system will
}
