package rig

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/java"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// javaClasses is where the Java driver was compiled to, once in a process.
var javaClasses string

// CompileJava compiles the Java driver into dir.
func CompileJava(t *TB, dir string) {
	command, classPath := kafkatest.Java(t)
	source := filepath.Join(dir, "Drive.java")
	t.Check(os.WriteFile(source, java.Source, 0o600))
	cmd := exec.Command(filepath.Join(filepath.Dir(command), "javac"), "-nowarn", "-proc:none",
		"-d", dir, "-cp", classPath, source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compile the Java driver: %v\n%s", err, out)
	}
	javaClasses = dir
}

// javaDriver returns the command of the Java driver, in a JVM with its own defaults but for the
// logs.
func javaDriver(t *TB, l *drive.Load, load string) *exec.Cmd {
	command, classPath := kafkatest.Java(t)
	values, err := drive.Values(l.Values, l.Logs)
	t.Check(err)
	var raw bytes.Buffer
	for _, v := range values {
		raw.Write(binary.BigEndian.AppendUint32(nil, uint32(len(v))))
		raw.Write(v)
	}
	file := filepath.Join(javaClasses, "values-"+l.Values)
	t.Check(os.WriteFile(file, raw.Bytes(), 0o600))
	return exec.Command(command, "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
		"-cp", javaClasses+string(os.PathListSeparator)+classPath, "Drive", load, file)
}
