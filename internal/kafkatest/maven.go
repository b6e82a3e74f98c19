//go:build unix

package kafkatest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed pom.xml
var pom []byte

// copyJars has Maven put Kafka's jars and all they need into part, then moves them to libs.
func copyJars(ctx context.Context, part, libs string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("mvn is missing: %w; install Maven, for instance the package maven, "+
			"or set %s to a cache that another machine filled", err, CacheVariable)
	}
	if err := os.WriteFile(filepath.Join(part, "pom.xml"), pom, 0o600); err != nil {
		return err
	}
	staged := filepath.Join(part, "libs")
	cmd := exec.Command(mvn, "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+staged)
	cmd.Dir = part
	if err := runQuietly(ctx, cmd); err != nil {
		return fmt.Errorf("get Kafka's jars with Maven: %w", err)
	}
	return os.Rename(staged, libs)
}
