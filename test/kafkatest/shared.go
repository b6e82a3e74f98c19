//go:build unix

package kafkatest

import (
	"context"
	"sync"
	"testing"
)

// shared are the clusters of Shared and SharedTrio.
var shared struct {
	// guards what follows; held while a cluster starts, for which all who ask wait
	mu       sync.Mutex
	running  bool // between the start and the end of M.Run
	clusters map[int]*sharedCluster
}

// sharedCluster is a cluster that all tests of the process have in common.
type sharedCluster struct {
	cluster *Cluster
	err     error // why it could not be started; then nobody tries again
}

// M is a testing.M whose Run ends the clusters of Shared and SharedTrio, and the registry of
// SharedRegistry, after the last test. It is for goleak, which wants to call Run:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(kafkatest.M{M: m}) }
type M struct{ *testing.M }

// Run runs the tests, then ends the shared clusters, and returns the exit code for [os.Exit].
func (m M) Run() int {
	shared.mu.Lock()
	shared.running = true
	shared.mu.Unlock()
	code := m.M.Run()
	endRegistry()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.running = false
	for _, sc := range shared.clusters {
		if sc.cluster != nil {
			sc.cluster.close()
		}
	}
	shared.clusters = nil
	return code
}

// Run is M.Run for a TestMain that does no more: os.Exit(kafkatest.Run(m)).
func Run(m *testing.M) int { return M{M: m}.Run() }

// Shared returns a cluster of one broker that all tests of the process have in common, started by
// the first of them. Who takes it leaves the broker alone and uses topics named by TopicName.
// TestMain must call Run, which ends it. When t fails, the last lines of the broker's log are in
// t's log. Shared is safe for concurrent use.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	return takeShared(t, 1)
}

// SharedTrio is Shared with three brokers, in the racks a, b and c.
func SharedTrio(t testing.TB) *Cluster {
	t.Helper()
	return takeShared(t, 3, Racks("a", "b", "c"))
}

func takeShared(t testing.TB, brokers int, opts ...Option) *Cluster {
	t.Helper()
	k := needKit(t)
	c, err := startShared(k, append(opts, Brokers(brokers), Steady()))
	if c != nil {
		t.Cleanup(func() { c.logOnFailure(t) })
	}
	if err != nil {
		t.Fatalf("kafkatest: start the shared cluster: %v", err)
	}
	return c
}

// startShared may return both a cluster and an error, for the sake of its log.
func startShared(k *kit, opts []Option) (*Cluster, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.running {
		return nil, errNoRun
	}
	cfg := newConfig(opts)
	if sc := shared.clusters[cfg.brokers]; sc != nil {
		return sc.cluster, sc.err
	}
	sc := new(sharedCluster)
	if shared.clusters == nil {
		shared.clusters = make(map[int]*sharedCluster)
	}
	shared.clusters[cfg.brokers] = sc
	if sc.cluster, sc.err = newCluster(cfg); sc.err != nil {
		return nil, sc.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	sc.err = sc.cluster.boot(ctx, k, cfg)
	return sc.cluster, sc.err
}
