package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// machine returns what this runs on. What it cannot find out is "unknown".
func machine(t *rig.TB) report.Machine {
	java, classPath := kafkatest.Java(t)
	m := report.Machine{
		Cores: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: "unknown CPU", Kafka: "unknown", Java: "unknown",
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(text); found != nil {
			m.CPU = string(found[1])
		}
	}
	for _, jar := range filepath.SplitList(classPath) {
		if version, ok := strings.CutPrefix(filepath.Base(jar), "kafka-clients-"); ok {
			m.Kafka = strings.TrimSuffix(version, ".jar")
		}
	}
	if out, err := exec.Command(java, "-version").CombinedOutput(); err == nil {
		m.Java, _, _ = strings.Cut(string(out), "\n")
	}
	return m
}
