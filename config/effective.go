package config

import (
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/forebay-go/forebay/producer"
)

// Setting is one setting in force.
type Setting struct {
	Field  string // as in "clusters.events.brokers"
	Value  string // as a file may have it
	Origin Origin // where it was set; the zero Origin for a default
}

// Effective returns every setting of cfg with its defaults filled in, in the order of the struct.
// It leaves out what entries of topics leave to batching and to their priority. It hides secrets.
// origins may be nil. The error is that of producer.New.
func Effective(cfg producer.Config, origins *Origins) ([]Setting, error) {
	full, err := cfg.Complete()
	if err != nil {
		return nil, err
	}
	return settingsOf(full, origins), nil
}

// InForce returns the settings of a running producer, as Effective does. cfg is what its Config
// method returns. InForce does not check it, since an option may provide what cfg lacks, such as a
// password.
func InForce(cfg producer.Config) []Setting { return settingsOf(cfg, nil) }

// Fields yields the field and the value of each setting of a running producer, as InForce returns
// them. It is made for health.WithSettings.
func Fields(cfg producer.Config) iter.Seq2[string, string] {
	return func(yield func(field, value string) bool) {
		for _, s := range InForce(cfg) {
			if !yield(s.Field, s.Value) {
				return
			}
		}
	}
}

func settingsOf(cfg producer.Config, origins *Origins) (settings []Setting) {
	for _, l := range leavesOf(reflect.ValueOf(cfg)) {
		if l.inherits() {
			continue
		}
		s := Setting{Field: l.path, Value: display(l)}
		if origins != nil {
			s.Origin = origins.Of(l.path)
		}
		settings = append(settings, s)
	}
	return settings
}

// inherits reports whether l is a setting of an entry of topics that leaves it to batching or to a
// priority.
func (l leaf) inherits() bool {
	return strings.HasPrefix(l.path, "topics[") && l.value.IsZero() &&
		!slices.Contains([]string{"topic", "priority", "max_share"}, lastName(l.path))
}

// display returns the value of l for people: secrets hidden, text in quotes.
func display(l leaf) string {
	switch {
	case l.secret && !l.value.IsZero():
		return "(secret)"
	case l.value.Kind() == reflect.String:
		return strconv.Quote(l.value.String())
	}
	return format(l.value, lastName(l.path))
}

// lastName returns the last name in a path.
func lastName(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}

// valuesOf returns the value of each setting that cfg sets, by field.
func valuesOf(cfg producer.Config) map[string]string {
	values := make(map[string]string)
	for _, l := range leavesOf(reflect.ValueOf(cfg)) {
		if l.value.IsZero() {
			continue // not set
		}
		values[l.path] = format(l.value, lastName(l.path))
	}
	return values
}

// overridden records what code has changed.
func (o *Origins) overridden(before, after map[string]string) {
	for field := range before {
		if _, there := after[field]; !there {
			delete(o.of, field)
		}
	}
	for field, value := range after {
		if is, there := before[field]; !there || is != value {
			o.of[field] = Origin{Code: true}
		}
	}
}
