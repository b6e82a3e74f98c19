//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// CacheVariable names the environment variable with the folder for Kafka's jars. Unset, it is
	// forebay/kafka-4.1.0 below os.UserCacheDir. Other versions are in a folder of theirs, below
	// this one where it is set. It may be removed whenever no test runs, and is filled again by the
	// next.
	CacheVariable = "FOREBAY_KAFKA_CACHE"

	// SkipVariable names the environment variable that, set to 1, has tests that need Kafka
	// skipped.
	SkipVariable = "FOREBAY_SKIP_KAFKA"
)

const (
	kafkaVersion = "4.1.0" // unless a test asks for another
	// to download the jars over a slow line, or to wait for who does
	fillLimit    = 10 * time.Minute
	snapshotName = "bootstrap.checkpoint"
	laterName    = "00000000000000000000-0000000000.checkpoint" // of the same in Kafka 4.4
)

// kit is what it takes to run Kafka: a java command and the cache's content. It does not change
// once made.
type kit struct {
	version   string // of Kafka
	java      string // path of the java command
	classPath string // all jars, in an order that does not change
	snapshot  string // the first snapshot of the metadata log, as Kafka's own tool writes it
	archive   string // class data archive of this JVM; empty when it could make none
}

// kits holds a function for each version that makes its kit once per process.
var kits sync.Map

// needKit returns the kit of the usual version, or ends t.
func needKit(t testing.TB) *kit {
	t.Helper()
	return needKitOf(t, kafkaVersion)
}

// needKitOf returns the kit of a version, or ends t.
func needKitOf(t testing.TB, version string) *kit {
	t.Helper()
	skipIfTold(t, "Kafka")
	theKit, _ := kits.LoadOrStore(version, sync.OnceValues(func() (*kit, error) {
		return makeKitOf(version)
	}))
	k, err := theKit.(func() (*kit, error))()
	if err != nil {
		t.Fatalf("kafkatest: no Kafka to test with: %v\n(%s=1 skips the tests that need it)", err,
			SkipVariable)
	}
	return k
}

// skipIfTold skips a test that needs the real thing, if SkipVariable says so.
func skipIfTold(t testing.TB, thing string) {
	t.Helper()
	if os.Getenv(SkipVariable) == "1" {
		t.Skipf("SKIPPED, NOTHING WAS PROVEN: this test needs a real %s and %s=1 is set", thing,
			SkipVariable)
	}
}

func makeKit() (*kit, error) { return makeKitOf(kafkaVersion) }

// makeKitOf finds Java and fills the cache as far as it is not filled yet. Each thing in it is made
// beside it and then renamed, so whatever has its final name is whole, and needs no lock to be
// used.
func makeKitOf(version string) (*kit, error) {
	java, err := findJava()
	if err != nil {
		return nil, err
	}
	dir, err := cacheDir(version)
	if err != nil {
		return nil, err
	}
	k := &kit{version: version, java: java, snapshot: filepath.Join(dir, snapshotName)}
	if later := filepath.Join(dir, laterName); exists(later) {
		k.snapshot = later
	}
	archive, err := archiveName(java)
	if err != nil {
		return nil, err
	}
	libs, archive := filepath.Join(dir, "libs"), filepath.Join(dir, archive)
	if !k.complete(libs, archive) {
		if err := k.fill(dir, libs, archive); err != nil {
			return nil, err
		}
	}
	if k.classPath, err = classPath(libs); err != nil {
		return nil, err
	}
	if info, err := os.Stat(archive); err == nil && info.Size() > 0 {
		k.archive = archive
	}
	return k, nil
}

// complete reports whether the cache has all that there can be. Only the usual version has a class
// archive: others are started rarely.
func (k *kit) complete(libs, archive string) bool {
	return exists(libs) && (k.keeper() || exists(k.snapshot)) &&
		(k.version != kafkaVersion || exists(archive))
}

// keeper reports whether Kafka needs ZooKeeper, as it did before 3.3.
func (k *kit) keeper() bool {
	var major, minor int
	_, err := fmt.Sscanf(k.version, "%d.%d", &major, &minor)
	return err == nil && (major < 3 || major == 3 && minor < 3)
}

// fill makes what the cache lacks. Of several processes one does it, the others wait for its lock.
func (k *kit) fill(dir, libs, archive string) error {
	ctx, cancel := context.WithTimeout(context.Background(), fillLimit)
	defer cancel()
	unlock, err := lockCache(ctx, dir)
	if err != nil {
		return err
	}
	defer unlock()
	part := filepath.Join(dir, "part")
	// Only the holder of the lock uses it, so what is there was left by one that was killed.
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return fmt.Errorf("clear the cache: %w", err)
	}
	defer func() { _ = os.RemoveAll(part) }() // or the next one does it
	if !exists(libs) {
		if err := k.copyJars(ctx, part, libs); err != nil {
			return err
		}
	}
	if k.classPath, err = classPath(libs); err != nil {
		return err
	}
	if !exists(k.snapshot) && !k.keeper() {
		if err := k.makeSnapshot(ctx, part); err != nil {
			return err
		}
	}
	if !exists(archive) && k.version == kafkaVersion {
		return k.makeArchive(ctx, part, archive)
	}
	return nil
}

// lockCache makes a folder of the cache, and waits until no other process fills it.
func lockCache(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	if unlock, err = lockFile(ctx, filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	return unlock, nil
}

// makeSnapshot has Kafka's own tool format a folder and keeps of it what is the same for every
// node.
func (k *kit) makeSnapshot(ctx context.Context, part string) error {
	data := filepath.Join(part, "data")
	properties := filepath.Join(part, "format.properties")
	text := "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n" +
		"listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n" +
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n" +
		"controller.quorum.voters=1@127.0.0.1:9093\nlog.dirs=" + data + "\n"
	if err := os.WriteFile(properties, []byte(text), 0o600); err != nil {
		return err
	}
	cmd := k.javaCommand(nil, "kafka.tools.StorageTool", "format", "-t", newUUID(), "-c",
		properties)
	if err := runQuietly(ctx, cmd); err != nil {
		return fmt.Errorf("format a folder for Kafka: %w", err)
	}
	made := filepath.Join(data, snapshotName)
	if !exists(made) {
		made = filepath.Join(data, metadataFolder, laterName)
		k.snapshot = filepath.Join(filepath.Dir(k.snapshot), laterName)
	}
	return os.Rename(made, k.snapshot)
}

// metadataFolder is where the metadata log of a node is, below its data.
const metadataFolder = "__cluster_metadata-0"

// snapshotIn returns where a node expects the first snapshot below its data.
func (k *kit) snapshotIn(data string) string {
	if filepath.Base(k.snapshot) == laterName {
		return filepath.Join(data, metadataFolder, laterName)
	}
	return filepath.Join(data, snapshotName)
}

func cacheDir(version string) (string, error) {
	dir := os.Getenv(CacheVariable)
	if dir != "" && version != kafkaVersion {
		dir = filepath.Join(dir, version)
	}
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a place for Kafka's jars, set %s: %w", CacheVariable, err)
		}
		dir = filepath.Join(base, "forebay", "kafka-"+version)
	}
	return filepath.Abs(dir)
}

func classPath(libs string) (string, error) {
	jars, err := filepath.Glob(filepath.Join(libs, "*.jar")) // sorted
	// it would take the place of slf4j-simple, and write nothing
	jars = slices.DeleteFunc(jars, func(jar string) bool {
		return strings.HasPrefix(filepath.Base(jar), "slf4j-reload4j") ||
			strings.HasPrefix(filepath.Base(jar), "slf4j-log4j12")
	})
	if err == nil && len(jars) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return "", fmt.Errorf("list the jars in %s: %w", libs, err)
	}
	return strings.Join(jars, string(os.PathListSeparator)), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
