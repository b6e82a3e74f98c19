package admin

import (
	"fmt"

	"github.com/forebay-go/forebay/preflight"
)

// Level says how serious a finding is.
type Level int

// The levels, from the least serious to the most.
const (
	OK      Level = iota
	Warning       // works, but not as well as it could
	Wrong
)

// String returns "ok", "warning" or "wrong".
func (l Level) String() string { return [...]string{"ok", "warning", "wrong"}[l] }

// levelOf returns the level of a finding of a preflight.
func levelOf(l preflight.Level) Level { return [...]Level{OK, Warning, Wrong}[l] }

// Verdict is one finding.
type Verdict struct {
	Level   Level
	Cluster string
	About   string // a broker, a topic, or ""
	Text    string
}

// verdicts collects the findings about a cluster.
type verdicts struct {
	cluster string
	all     []Verdict
}

func (v *verdicts) add(level Level, about, format string, args ...any) {
	v.all = append(v.all, Verdict{level, v.cluster, about, fmt.Sprintf(format, args...)})
}
