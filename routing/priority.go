package routing

import "fmt"

// Priority is the class of a record. The zero value is Unset: the topic's rule decides, and without
// a rule it is Medium.
type Priority uint8

// The priorities, in rising order, with what Netflix runs on each (slide 16).
const (
	Unset  Priority = iota
	Low             // error logs, request traces: 2 copies, 1 to 2 hours
	Medium          // the majority: 2 copies, 4 hours
	High            // streaming activities: 3 copies, 12 to 24 hours
)

// All lists the priorities from the highest to the lowest.
var All = [...]Priority{High, Medium, Low}

// Valid reports whether p is one of Low, Medium and High.
func (p Priority) Valid() bool { return p >= Low && p <= High }

// String returns "low", "medium", "high", "unset", or the number of a priority that does not exist.
func (p Priority) String() string {
	switch p {
	case Unset:
		return "unset"
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	}
	return fmt.Sprintf("priority(%d)", uint8(p))
}

// ParsePriority reads "low", "medium" or "high".
func ParsePriority(s string) (Priority, error) {
	for _, p := range All {
		if p.String() == s {
			return p, nil
		}
	}
	return Unset, fmt.Errorf("unknown priority %q: write low, medium or high", s)
}

// MarshalText writes the name of p, so that a configuration reads "high" and not 3.
func (p Priority) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what ParsePriority reads.
func (p *Priority) UnmarshalText(text []byte) error {
	parsed, err := ParsePriority(string(text))
	if err == nil {
		*p = parsed
	}
	return err
}
