package admin

import (
	"fmt"
	"time"

	"github.com/forebay-go/forebay/routing"
)

// class is what the topics of a priority are worth, as in the table of the fronting clusters.
type class struct {
	copies    int
	retention time.Duration // that topics are made with
	leastKept time.Duration // that is still in the table
}

// classOf returns the class of a priority.
func classOf(p routing.Priority) class {
	switch p {
	case routing.Low:
		return class{copies: 2, retention: 2 * time.Hour, leastKept: time.Hour}
	case routing.High:
		return class{copies: 3, retention: 24 * time.Hour, leastKept: 12 * time.Hour}
	default:
		return class{copies: 2, retention: 4 * time.Hour, leastKept: 4 * time.Hour}
	}
}

// hours returns d as people say it.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return d.String()
}
