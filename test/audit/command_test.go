//go:build unix

package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// buildCommand builds the command forebay with a clock that can be wrong: clockOffset is then how
// many seconds. Nothing else of it differs from what users have.
func buildCommand(t *testing.T) (path string) {
	t.Helper()
	folder := t.TempDir()
	path = filepath.Join(folder, "forebay")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", wrongClock(t, folder), "-o",
		path, ".")
	build.Dir = filepath.Join("..", "..", "cmd", "forebay")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

const clockOffset = "CLOCK_OFFSET"

// wrongClock writes what has the compiler take another time.Now, which adds clockOffset to the wall
// clock and leaves the monotonic one as it is, and returns its path.
func wrongClock(t *testing.T, folder string) (path string) {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	library := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	text, err := os.ReadFile(filepath.Join(library, "time.go"))
	require.NoError(t, err)
	const read = "sec, nsec, mono := runtimeNow()\n"
	require.Equal(t, 1, strings.Count(string(text), read), "time.Now is not as it was")
	replaced := map[string]string{
		"time.go": strings.Replace(string(text), read, read+"\tsec += wrongBy\n", 1),
		"wrong.go": `package time

import "syscall"

var wrongBy = func() int64 {
	text, _ := syscall.Getenv("` + clockOffset + `")
	seconds, _ := atoi(text)
	return int64(seconds)
}()
`}
	overlay := map[string]map[string]string{"Replace": {}}
	for name, text := range replaced {
		ours := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(ours, []byte(text), 0o600))
		overlay["Replace"][filepath.Join(library, name)] = ours
	}
	encoded, err := json.Marshal(overlay)
	require.NoError(t, err)
	path = filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(path, encoded, 0o600))
	return path
}

// instance is a process of "forebay audit run".
type instance struct {
	*kafkatest.Child
	name string
	role audit.Role
	out  bytes.Buffer // read it when the process has ended
	said words
}

// words are what a process that runs has written.
type words struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// run starts an instance whose clock is wrong by offset.
func (s *stage) run(t *testing.T, command, name string, role audit.Role,
	offset time.Duration) *instance {
	t.Helper()
	text := fmt.Sprintf(`clusters:
  kafka: {brokers: [%s]}
audit:
  role: %s
  instance: %s
  statement_topic: %s
  group: %s
  interval: 500ms
  drain: 40s
`, strings.Join(s.Seeds(), ", "), role, name, s.statements, s.topic)
	if role == audit.Consume {
		text += fmt.Sprintf("  topics: [%s]\n", s.topic)
	} else {
		text += fmt.Sprintf("  loads: [{topic: %s, records_per_second: 500, keys: 20}]\n", s.topic)
	}
	path := filepath.Join(t.TempDir(), "audit.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	i := &instance{name: name, role: role}
	cmd := exec.Command(command, "audit", "run", "--json", "--every", "500ms", path)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", clockOffset, int(offset.Seconds())))
	cmd.Stdout, cmd.Stderr = &i.out, &i.said
	i.Child = kafkatest.StartChild(t, cmd)
	return i
}

// stop ends the traffic of an instance, and returns its exit code when it has said all.
func (i *instance) stop(t *testing.T) int {
	t.Helper()
	code := i.Stop(t, 2*time.Minute)
	for line := range strings.Lines(i.said.String()) {
		if strings.Contains(line, "forebay: ") {
			t.Logf("%s said: %s", i.name, line)
		}
	}
	return code
}

// report returns what an instance that has ended has printed.
func (i *instance) report(t *testing.T) (printed struct {
	Report  audit.Report
	Verdict audit.Verdict
}) {
	t.Helper()
	require.NoError(t, json.Unmarshal(i.out.Bytes(), &printed), "%s\n%s", &i.out, &i.said)
	return printed
}
