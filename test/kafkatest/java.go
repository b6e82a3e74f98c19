//go:build unix

package kafkatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func findJava() (string, error) {
	const advice = "install a JDK of version 17 or later, for instance openjdk-17-jdk-headless, " +
		"and put java on PATH or set JAVA_HOME"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java := filepath.Join(home, "bin", "java")
		if _, err := exec.LookPath(java); err != nil {
			return "", fmt.Errorf("JAVA_HOME is set and has no bin/java: %w; %s", err, advice)
		}
		return java, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("java is missing: %w; %s", err, advice)
	}
	return java, nil
}

// javaCommand returns the command that runs main, a class or a source file, with Kafka's jars. The
// flags trade speed in the long run, which no test lives to see, for a quick start on few cores.
func (k *kit) javaCommand(flags []string, main string, args ...string) *exec.Cmd {
	argv := []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
		"-Xshare:auto"}
	if k.archive != "" {
		argv = append(argv, "-XX:SharedArchiveFile="+k.archive)
	}
	argv = append(argv,
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-Dorg.slf4j.simpleLogger.showShortLogName=true",
		// These print every setting, each time.
		"-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaConfig=warn",
		"-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn",
	)
	argv = append(argv, flags...)
	argv = append(argv, "-cp", k.classPath, main)
	return exec.Command(k.java, append(argv, args...)...)
}
