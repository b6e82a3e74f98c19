package admin

import (
	"fmt"
	"time"

	"github.com/forebay-go/forebay/routing"
)

// class is what a priority recommends for its topics, as in the table of the fronting clusters.
type class struct {
	copies    int
	retention time.Duration // of new topics
	leastKept time.Duration // the shortest retention that passes
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

// hours returns whole hours as "24 h", and other times as Go writes them.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return d.String()
}
