//go:build unix

package kafkatest

import (
	"context"
	"sync"
	"testing"
)

// shared is the one cluster of Shared.
var shared struct {
	mu      sync.Mutex // guards what follows; held while the cluster starts, for which all who ask wait
	running bool       // between the start and the end of M.Run
	cluster *Cluster   // nil until first asked for
	err     error      // why it could not be started; then nobody tries again
}

// M is a testing.M whose Run ends the cluster of Shared after the last test. It is for goleak, which wants to call Run:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(kafkatest.M{M: m}) }
type M struct{ *testing.M }

// Run runs the tests, then ends the cluster of Shared, and returns the exit code for [os.Exit].
func (m M) Run() int {
	shared.mu.Lock()
	shared.running = true
	shared.mu.Unlock()
	code := m.M.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.running = false
	if shared.cluster != nil {
		shared.cluster.close()
		shared.cluster = nil
	}
	return code
}

// Run is M.Run for a TestMain that does no more: os.Exit(kafkatest.Run(m)).
func Run(m *testing.M) int { return M{M: m}.Run() }

// Shared returns a cluster of one broker that all tests of the process have in common, started by the first of them. Who
// takes it leaves the broker alone and uses topics named by TopicName. TestMain must call Run, which ends it. When t
// fails, the last lines of the broker's log are in t's log. Shared is safe for concurrent use.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	k := needKit(t)
	c, err := startShared(k)
	if c != nil {
		t.Cleanup(func() { c.logOnFailure(t) })
	}
	if err != nil {
		t.Fatalf("kafkatest: start the shared cluster: %v", err)
	}
	return c
}

// startShared may return both a cluster and an error, for the sake of its log.
func startShared(k *kit) (*Cluster, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.running {
		return nil, errNoRun
	}
	if shared.cluster != nil || shared.err != nil {
		return shared.cluster, shared.err
	}
	cfg := newConfig(nil)
	if shared.cluster, shared.err = newCluster(cfg); shared.err != nil {
		return nil, shared.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	shared.err = shared.cluster.boot(ctx, k, cfg)
	return shared.cluster, shared.err
}
