//go:build unix

package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	stopLimit = 30 * time.Second // for a broker to end after SIGTERM
	tailLines = 40               // of a broker's log, shown when a test failed
)

// Broker is one node of a Cluster: a JVM that can be killed, stopped, paused and started again. Its
// address and its data outlast all of these. Its methods may be called from any goroutine, and one
// that fails marks t as failed and returns, so that a goroutine that injects faults can call them.
type Broker struct {
	kit        *kit
	heapMiB    int
	jvmFlags   []string
	nodeID     int32
	client     *port  // of the PLAINTEXT listener
	controller *port  // of the controllers' own listener
	secure     *port  // of the listener that Secure adds
	voter      bool   // one of the controllers, as all are that the cluster began with
	dir        string // server.properties, data/ and log

	properties map[string]string // of the server, but those of named; set by format

	// guards what follows; held while a process is being ended, so that orders queue up
	mu     sync.Mutex
	named  *named   // the listener that Named adds, nil: none
	proc   *process // nil unless running
	paused bool     // false unless running
}

// Addr returns host:port of the listener for clients, the same over restarts.
func (b *Broker) Addr() string { return b.client.addr() }

// NodeID returns Kafka's id of the broker: 1 for the first of a cluster.
func (b *Broker) NodeID() int32 { return b.nodeID }

// PID returns the id of the broker's process, or 0 when there is none.
func (b *Broker) PID() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.proc == nil {
		return 0
	}
	return b.proc.pid()
}

// Kill ends the broker with SIGKILL, paused or not, and returns when the process is gone and its
// port refuses. What the operating system had already taken stays on disk. A broker that does not
// run is left as it is.
func (b *Broker) Kill(t testing.TB) {
	t.Helper()
	if err := b.kill(); err != nil {
		t.Errorf("kafkatest: kill broker %d: %v", b.nodeID, err)
	}
}

// Stop ends the broker with SIGTERM, so that it hands over its partitions first, and returns when
// the process is gone. A paused broker is resumed for it. After 30 s the broker is killed and t
// fails: so it goes for a broker that has lost the majority of controllers. A broker that does not
// run is left as it is.
func (b *Broker) Stop(t testing.TB) {
	t.Helper()
	if err := b.stop(); err != nil {
		t.Errorf("kafkatest: stop broker %d: %v", b.nodeID, err)
	}
}

// Pause halts the process with SIGSTOP: the kernel still accepts connections for it and takes
// bytes, and nothing is answered. The cluster fences the broker after 1.5 s, as if it were dead.
// Pause fails t when the broker does not run.
func (b *Broker) Pause(t testing.TB) {
	t.Helper()
	if err := b.signal(syscall.SIGSTOP, true); err != nil {
		t.Errorf("kafkatest: pause broker %d: %v", b.nodeID, err)
	}
}

// Resume undoes Pause. The broker answers what has piled up, though it may find itself fenced for a
// moment; see Await.
func (b *Broker) Resume(t testing.TB) {
	t.Helper()
	if err := b.signal(syscall.SIGCONT, false); err != nil {
		t.Errorf("kafkatest: resume broker %d: %v", b.nodeID, err)
	}
}

// Start starts a broker that does not run, with the ports and data it had, and returns when it
// answers (see Await).
func (b *Broker) Start(t testing.TB) {
	t.Helper()
	if err := b.spawn(); err != nil {
		t.Errorf("kafkatest: start broker %d: %v", b.nodeID, err)
		return
	}
	b.Await(t)
}

// StartAsync is Start without the wait. Where the majority of controllers is down, start as many
// brokers with it before waiting for any: alone, none will answer.
func (b *Broker) StartAsync(t testing.TB) {
	t.Helper()
	if err := b.spawn(); err != nil {
		t.Errorf("kafkatest: start broker %d: %v", b.nodeID, err)
	}
}

// Await waits until the broker answers a request for metadata and is itself part of the answer,
// which a fenced broker is not. It fails t after three minutes, and at once when the process ends.
func (b *Broker) Await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := b.await(ctx, 1); err != nil {
		t.Errorf("kafkatest: wait for broker %d: %v", b.nodeID, err)
	}
}

func (b *Broker) answers() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.proc != nil && !b.proc.ended() && !b.paused
}

func (b *Broker) kill() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.endLocked(syscall.SIGKILL, stopLimit)
}

func (b *Broker) stop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.proc != nil && b.paused {
		if err := b.proc.signal(syscall.SIGCONT); err != nil {
			return err
		}
		b.paused = false
	}
	if err := b.endLocked(syscall.SIGTERM, stopLimit); err != nil {
		return errors.Join(err, b.endLocked(syscall.SIGKILL, stopLimit))
	}
	return nil
}

// endLocked sends sig and waits until the process is gone. After the limit the process is still the
// broker's.
func (b *Broker) endLocked(sig syscall.Signal, limit time.Duration) error {
	if b.proc == nil {
		return nil
	}
	if err := b.proc.signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-b.proc.done:
		b.proc, b.paused = nil, false
		return nil
	case <-timer.C:
		return fmt.Errorf("process %d still runs %v after %v", b.proc.pid(), limit, sig)
	}
}

func (b *Broker) signal(sig syscall.Signal, paused bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.proc == nil {
		return errors.New("it is not running")
	}
	if err := b.proc.signal(sig); err != nil {
		return err
	}
	b.paused = paused
	return nil
}

// spawn starts the JVM and does not wait for it to answer.
func (b *Broker) spawn() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.proc != nil && !b.proc.ended() {
		return fmt.Errorf("it is already running as process %d", b.proc.pid())
	}
	// Appended to, so that the log tells the broker's story over all its restarts.
	log, err := os.OpenFile(b.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the JVM has a descriptor of its own
	flags := []string{
		fmt.Sprintf("-Xmx%dm", b.heapMiB),
		"-Xms32m",
		// a killed broker cannot remove the native libraries it unpacks
		"-Djava.io.tmpdir=" + b.dir,
	}
	cmd := b.kit.javaCommand(append(flags, b.jvmFlags...), "kafka.Kafka", b.propertiesFile())
	cmd.Dir = b.dir
	cmd.Stdout, cmd.Stderr = log, log
	b.client.free()
	b.controller.free()
	b.secure.free()
	proc, err := startProcess(cmd)
	if err != nil {
		return err
	}
	b.proc, b.paused = proc, false
	return nil
}

// await waits until the broker answers with at least n brokers, itself among them.
func (b *Broker) await(ctx context.Context, n int) error {
	return b.awaitNodes(ctx, func(nodes []int32) bool {
		return len(nodes) >= n && slices.Contains(nodes, b.nodeID)
	})
}

// awaitNodes waits until the broker answers with brokers that will do.
func (b *Broker) awaitNodes(ctx context.Context, do func(nodes []int32) bool) error {
	b.mu.Lock()
	proc := b.proc
	b.mu.Unlock()
	if proc == nil {
		return errors.New("it is not running")
	}
	return pollMetadata(ctx, b.Addr(), nil, func(m metadata) error {
		select {
		case <-proc.done:
			return final(b.whyEnded(proc))
		default:
		}
		if m.err != nil {
			return m.err
		}
		if !do(m.nodes()) {
			return fmt.Errorf("it knows brokers %v", m.nodes())
		}
		return nil
	})
}

func (b *Broker) whyEnded(proc *process) error {
	tail := b.logTail()
	if strings.Contains(tail, "Address already in use") {
		return fmt.Errorf("%w: %s or %s", errPortTaken, b.Addr(), b.controller.addr())
	}
	return fmt.Errorf("the process ended (%s); its last lines:\n%s", fmt.Sprint(proc.err), tail)
}

func (b *Broker) dataDir() string        { return filepath.Join(b.dir, "data") }
func (b *Broker) logFile() string        { return filepath.Join(b.dir, "log") }
func (b *Broker) propertiesFile() string { return filepath.Join(b.dir, "server.properties") }

// format writes the folder of a new broker. Kafka's own tool takes a JVM and a second for that, and
// all it writes is the first snapshot of the metadata log, the same for every node, and the names
// of node, folder and cluster.
func (b *Broker) format(clusterID string, properties map[string]string,
	secure *secureListener) error {
	if err := os.RemoveAll(b.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(b.dataDir(), 0o700); err != nil {
		return err
	}
	if secure != nil {
		if err := secure.properties(b, properties); err != nil {
			return err
		}
	}
	b.properties = properties
	if b.kit.keeper() {
		return b.writeProperties()
	}
	snapshot, err := os.ReadFile(b.kit.snapshot)
	if err != nil {
		return err
	}
	meta := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n", clusterID,
		b.nodeID, newUUID())
	return errors.Join(
		b.writeProperties(),
		os.MkdirAll(filepath.Dir(b.kit.snapshotIn(b.dataDir())), 0o700),
		os.WriteFile(b.kit.snapshotIn(b.dataDir()), snapshot, 0o600),
		os.WriteFile(filepath.Join(b.dataDir(), "meta.properties"), []byte(meta), 0o600),
	)
}

func (b *Broker) writeProperties() error {
	properties := maps.Clone(b.properties)
	if b.named != nil {
		b.named.properties(properties)
	}
	var text bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&text, "%s=%s\n", key, properties[key])
	}
	return os.WriteFile(b.propertiesFile(), text.Bytes(), 0o600)
}

func (b *Broker) logTail() string {
	text, err := os.ReadFile(b.logFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
