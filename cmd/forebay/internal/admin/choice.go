package admin

import (
	"fmt"
	"path"
	"strings"
)

// Choice holds a value for all topics and others for some of them. Its zero value holds none.
type Choice[T any] struct {
	all  *T
	some []chosen[T]
}

type chosen[T any] struct {
	pattern string
	value   T
}

// Of returns the value for a topic, and whether there is one: the value for its name, else that of
// the first pattern that matches it, else the value for all topics.
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

// Add reads "value", for all topics, or "topic=value", for a name or a pattern of topics.
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
		return fmt.Errorf("%q: write a topic or a pattern such as 'plays.*' before the =", text)
	case some:
		c.some = append(c.some, chosen[T]{topic, v})
	case c.all != nil:
		return fmt.Errorf("%q: there is already a value for all topics: write topic=%s for one",
			text, text)
	default:
		c.all = &v
	}
	return nil
}
