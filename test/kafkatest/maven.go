//go:build unix

package kafkatest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
)

//go:embed pom.xml
var pom string

// findMaven returns the path of the mvn command. The error says what to do.
func findMaven() (string, error) {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("mvn is missing: %w; install Maven, for instance the package maven, "+
			"or set %s to a cache that another machine filled", err, CacheVariable)
	}
	return mvn, nil
}

// copyJars has Maven put Kafka's jars and all they need into part, then moves them to libs.
func (k *kit) copyJars(ctx context.Context, part, libs string) error {
	mvn, err := findMaven()
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(part, "pom.xml"))
	if err != nil {
		return err
	}
	err = template.Must(template.New("pom.xml").Parse(pom)).Execute(file,
		map[string]any{"Version": k.version, "Keeper": k.keeper()})
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	staged := filepath.Join(part, "libs")
	cmd := exec.Command(mvn, "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime",
		"-DoutputDirectory="+staged)
	cmd.Dir = part
	if err := runQuietly(ctx, cmd); err != nil {
		return fmt.Errorf("get Kafka's jars with Maven: %w", err)
	}
	return os.Rename(staged, libs)
}
