package admin

import (
	"fmt"
	"path"
	"strings"
)

// Choice is what somebody wants of topics: one value of all, and others of some. Its zero value is
// no choice.
type Choice[T any] struct {
	all  *T
	some []chosen[T]
}

type chosen[T any] struct {
	pattern string
	value   T
}

// Of returns the choice for a topic: that for its name goes before those for patterns, of which the
// first that matches counts, and those before the one for all. It reports whether there is any.
func (c Choice[T]) Of(topic string) (T, bool) {
	for _, s := range c.some {
		if s.pattern == topic {
			return s.value, true
		}
	}
	for _, s := range c.some {
		if ok, _ := path.Match(s.pattern, topic); ok { // Add has checked the pattern
			return s.value, true
		}
	}
	if c.all != nil {
		return *c.all, true
	}
	var none T
	return none, false
}

// Add reads "value", for all topics, or "topic=value", for those of that name or pattern.
func (c *Choice[T]) Add(text string, parse func(string) (T, error)) error {
	topic, value, some := strings.Cut(text, "=")
	if !some {
		topic, value = "", text
	}
	v, err := parse(strings.TrimSpace(value))
	if err != nil {
		return err
	}
	topic = strings.TrimSpace(topic)
	switch _, err := path.Match(topic, ""); {
	case err != nil || some && topic == "":
		return fmt.Errorf("%q: write the name of a topic, or a pattern such as 'plays.*', "+
			"before the =", text)
	case some:
		c.some = append(c.some, chosen[T]{topic, v})
	case c.all != nil:
		return fmt.Errorf("%q: there is a value for all topics already: write topic=value for some",
			text)
	default:
		c.all = &v
	}
	return nil
}
