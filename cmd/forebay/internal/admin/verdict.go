package admin

import "fmt"

// Level says how good something is.
type Level int

// The levels, in rising order of trouble.
const (
	OK      Level = iota
	Warning       // it works, but not as well as it could
	Wrong
)

// String returns "ok", "warning" or "wrong".
func (l Level) String() string { return [...]string{"ok", "warning", "wrong"}[l] }

// Verdict is what was found out about one thing.
type Verdict struct {
	Level   Level
	Cluster string
	About   string // a broker, a topic, or ""
	Text    string
}

// verdicts collects what was found out about a cluster.
type verdicts struct {
	cluster string
	all     []Verdict
}

func (v *verdicts) add(level Level, about, format string, args ...any) {
	v.all = append(v.all, Verdict{level, v.cluster, about, fmt.Sprintf(format, args...)})
}
