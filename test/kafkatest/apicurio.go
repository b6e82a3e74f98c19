//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// apicurioVersion is that of the schema registry, Apicurio, whose API is Confluent's.
const apicurioVersion = "3.0.9"

// SchemaRegistry is a real schema registry, a JVM of its own, with nothing on disk.
type SchemaRegistry struct {
	port *port
	dir  string
	proc *process // nil: it does not run
}

// SharedRegistry returns a schema registry that all tests of the process have in common, started by
// the first of them, which takes some 15 seconds and 400 MiB. Tests use subjects of their own, such
// as those of a TopicName. TestMain must call Run, which ends it. The first run ever has Maven get
// 110 MB. SharedRegistry is safe for concurrent use.
func SharedRegistry(t testing.TB) *SchemaRegistry {
	t.Helper()
	skipIfTold(t, "registry")
	s, err := takeRegistry()
	if err != nil {
		t.Fatalf("kafkatest: no schema registry to test with: %v\n(%s=1 skips the tests that "+
			"need it)", err, SkipVariable)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kafkatest: the log of the schema registry:\n%s", s.said())
		}
	})
	return s
}

// URL returns the address that clients of Confluent's API need.
func (s *SchemaRegistry) URL() string { return "http://" + s.port.addr() + "/apis/ccompat/v7" }

// sharedRegistry is the one of SharedRegistry.
var sharedRegistry struct {
	mu       sync.Mutex // guards what follows; held while it starts, for which all who ask wait
	registry *SchemaRegistry
	err      error // why it could not be started; then nobody tries again
}

func takeRegistry() (*SchemaRegistry, error) {
	shared.mu.Lock()
	running := shared.running
	shared.mu.Unlock()
	if !running {
		return nil, errNoRun
	}
	sharedRegistry.mu.Lock()
	defer sharedRegistry.mu.Unlock()
	if sharedRegistry.registry == nil && sharedRegistry.err == nil {
		sharedRegistry.registry, sharedRegistry.err = startRegistry()
	}
	return sharedRegistry.registry, sharedRegistry.err
}

// endRegistry ends the shared registry, if there is one.
func endRegistry() {
	sharedRegistry.mu.Lock()
	defer sharedRegistry.mu.Unlock()
	if sharedRegistry.registry != nil {
		sharedRegistry.registry.end()
	}
	sharedRegistry.registry, sharedRegistry.err = nil, nil
}

// startRegistry starts a registry and waits until it answers.
func startRegistry() (*SchemaRegistry, error) {
	java, err := findJava()
	if err != nil {
		return nil, err
	}
	app, err := registryApp()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kafkatest-registry-")
	if err != nil {
		return nil, err
	}
	ports, err := pickPorts(1)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &SchemaRegistry{port: ports[0], dir: dir}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := s.start(ctx, java, app); err != nil {
		err = fmt.Errorf("start the registry: %w\n%s", err, s.said())
		s.end()
		return nil, err
	}
	return s, nil
}

func (s *SchemaRegistry) start(ctx context.Context, java, app string) error {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the JVM has a descriptor of its own
	cmd := exec.Command(java, "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dquarkus.http.host=127.0.0.1", "-Dquarkus.http.port="+strconv.Itoa(s.port.number),
		"-Dquarkus.http.access-log.enabled=false",
		"-Dapicurio.storage.kind=sql", "-Dapicurio.storage.sql.kind=h2",
		"-Dapicurio.datasource.url=jdbc:h2:mem:registry",
		"-jar", filepath.Join(app, "apicurio-registry-app-"+apicurioVersion+"-runner.jar"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	s.port.free()
	if s.proc, err = startProcess(cmd); err != nil {
		return err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !s.answers(ctx) {
		select {
		case <-s.proc.done:
			return fmt.Errorf("it has ended: %w", s.proc.err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// answers reports whether the registry lists its subjects.
func (s *SchemaRegistry) answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/subjects", nil)
	if err != nil {
		return false
	}
	req.Close = true // so that no goroutine stays
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // only the status counts
	return resp.StatusCode == http.StatusOK
}

// said returns the end of the log.
func (s *SchemaRegistry) said() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log")) // it is only shown
	return string(text[max(0, len(text)-8<<10):])
}

// end kills the registry and gives its port and its folder back.
func (s *SchemaRegistry) end() {
	if s.proc != nil {
		_ = s.proc.signal(syscall.SIGKILL) // an error means that it had ended by itself
		<-s.proc.done
		s.proc = nil
	}
	s.port.release()
	_ = os.RemoveAll(s.dir) // what stays is below os.TempDir
}

// registryApp returns the folder of the registry's jars in the cache, which Maven fills the first
// time.
func registryApp() (string, error) {
	dir, err := cacheDir(kafkaVersion)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "apicurio-"+apicurioVersion)
	app := filepath.Join(dir, "app")
	if exists(app) {
		return app, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), fillLimit)
	defer cancel()
	unlock, err := lockCache(ctx, dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(app) { // another process has filled it
		return app, nil
	}
	return app, fetchRegistry(ctx, filepath.Join(dir, "part"), app)
}

// fetchRegistry has Maven unpack the registry into part, and moves it to app.
func fetchRegistry(ctx context.Context, part, app string) error {
	mvn, err := findMaven()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(part); err != nil { // of a process that was killed
		return fmt.Errorf("clear the cache: %w", err)
	}
	if err := os.Mkdir(part, 0o755); err != nil {
		return fmt.Errorf("fill the cache: %w", err)
	}
	staged := filepath.Join(part, "app")
	cmd := exec.Command(mvn, "-B", "-q", "dependency:unpack", "-Dartifact=io.apicurio:"+
		"apicurio-registry-app:"+apicurioVersion+":tar.gz:all", "-DoutputDirectory="+staged)
	cmd.Dir = part // Maven marks there what it has unpacked, and never unpacks it there again
	if err := runQuietly(ctx, cmd); err != nil {
		return fmt.Errorf("get the registry's jars with Maven: %w", err)
	}
	if err := os.Rename(staged, app); err != nil {
		return err
	}
	return os.RemoveAll(part)
}
