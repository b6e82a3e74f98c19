//go:build unix

package kafkatest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// keeper is the ZooKeeper of a cluster before Kafka 3.3, a JVM of its own.
type keeper struct {
	port *port
	dir  string
	proc *process // nil: it does not run
}

// properties turns the server properties of b into those of a broker with a ZooKeeper.
func (z *keeper) properties(b *Broker, p map[string]string) {
	maps.DeleteFunc(p, func(key, _ string) bool {
		return key == "process.roles" || key == "node.id" || strings.HasPrefix(key, "controller.")
	})
	p["broker.id"] = strconv.Itoa(int(b.nodeID))
	p["listeners"] = p["advertised.listeners"]
	p["listener.security.protocol.map"] = "PLAINTEXT:PLAINTEXT"
	p["zookeeper.connect"] = z.port.addr()
	p["zookeeper.session.timeout.ms"] = "1500"
	p["zookeeper.connection.timeout.ms"] = "60000"
}

// start starts ZooKeeper and waits until it takes connections.
func (z *keeper) start(ctx context.Context, k *kit) error {
	if err := os.MkdirAll(z.dir, 0o700); err != nil {
		return err
	}
	file := filepath.Join(z.dir, "zookeeper.properties")
	text := fmt.Sprintf("dataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\n"+
		"maxClientCnxns=0\ntickTime=500\nadmin.enableServer=false\n",
		filepath.Join(z.dir, "data"), z.port.number)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(z.dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the JVM has a descriptor of its own
	cmd := k.javaCommand([]string{"-Xmx64m", "-Dzookeeper.jmx.log4j.disable=true"},
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", file)
	cmd.Dir = z.dir
	cmd.Stdout, cmd.Stderr = log, log
	z.port.free()
	if z.proc, err = startProcess(cmd); err != nil {
		return err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", z.port.addr())
		if err == nil {
			return conn.Close()
		}
		select {
		case <-z.proc.done:
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("ZooKeeper ended: %w\n%s", z.proc.err, said)
		case <-ctx.Done():
			return fmt.Errorf("start ZooKeeper: %w", err)
		case <-tick.C:
		}
	}
}

// end kills ZooKeeper and gives its port back.
func (z *keeper) end() {
	if z.proc != nil {
		_ = z.proc.signal(syscall.SIGKILL) // an error means that it had ended by itself
		<-z.proc.done
		z.proc = nil
	}
	z.port.release()
}
