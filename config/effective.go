package config

import (
	"iter"
	"reflect"
	"strconv"
	"strings"

	"github.com/forebay-go/forebay/producer"
)

// Setting is one setting in force.
type Setting struct {
	Field  string // as in "clusters.events.brokers"
	Value  string // as it can be written in a file
	Origin Origin // where it comes from; the zero Origin for a default
}

// Effective returns all settings that cfg comes to with its defaults filled in, in the order of the
// struct. The values of secrets are hidden. origins may be nil. The error is that of producer.New.
func Effective(cfg producer.Config, origins *Origins) ([]Setting, error) {
	full, err := cfg.Complete()
	if err != nil {
		return nil, err
	}
	return settingsOf(full, origins), nil
}

// InForce returns the settings that a producer works with, as Effective does. cfg is what its
// Config returns, and is not checked: it may be wrong by itself, as where an option brings the
// password.
func InForce(cfg producer.Config) []Setting { return settingsOf(cfg, nil) }

// Fields yields the settings that a producer works with, as InForce does: the field of each and its
// value. It is made for health.WithSettings.
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
		s := Setting{Field: l.path, Value: display(l)}
		if origins != nil {
			s.Origin = origins.Of(l.path)
		}
		settings = append(settings, s)
	}
	return settings
}

// display returns the value of l for people.
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

// valuesOf returns the value of each setting of cfg as it is displayed, by field.
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

// overridden takes note of what code has changed.
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
