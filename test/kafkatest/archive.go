//go:build unix

package kafkatest

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
)

// archiveName returns the name of the class data archive for a java command. An archive serves only
// the JVM that wrote it; others ignore it. So another JVM gets another name, and both find theirs.
func archiveName(java string) (string, error) {
	path, err := filepath.EvalSymlinks(java)
	if err != nil {
		return "", fmt.Errorf("find java: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("find java: %w", err)
	}
	h := fnv.New64a()
	fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
	return fmt.Sprintf("classes-%016x.jsa", h.Sum64()), nil
}

// makeArchive starts a broker once and has the JVM write down the classes it loaded, which saves
// every later start a third of its time. A JVM that cannot do so is no reason to fail: an empty
// file says not to try again.
func (k *kit) makeArchive(ctx context.Context, part, archive string) error {
	staged := filepath.Join(part, "classes.jsa")
	cfg := newConfig(nil)
	cfg.jvmFlags = []string{"-XX:ArchiveClassesAtExit=" + staged}
	c, err := newCluster(cfg)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.boot(ctx, k, cfg); err != nil {
		return fmt.Errorf("start Kafka for the first time: %w", err)
	}
	if err := c.brokers[0].stop(); err != nil {
		return fmt.Errorf("stop Kafka for the first time: %w", err)
	}
	if !exists(staged) {
		if err := os.WriteFile(staged, nil, 0o600); err != nil {
			return err
		}
	}
	return os.Rename(staged, archive)
}
