package config

import (
	"fmt"
	"strings"
)

// Origin says where a setting was set. The zero Origin means that it has its default.
type Origin struct {
	File         string
	Line, Column int    // in File, from 1; 0 for the whole file
	Variable     string // of the environment
	Code         bool   // see Override
}

// String returns "forebay.yaml:3:7", "FOREBAY_BUFFER_MAX_BYTES", "code" or "default".
func (o Origin) String() string {
	switch {
	case o.Code:
		return "code"
	case o.Variable != "":
		return o.Variable
	case o.Line > 0:
		return fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column)
	case o.File != "":
		return o.File
	}
	return "default"
}

// Origins knows where each setting of a configuration was set.
type Origins struct {
	file string
	of   map[string]Origin // by field
}

// Of returns where a field such as "clusters.events.brokers" was set; the zero Origin if nowhere.
func (o *Origins) Of(field string) Origin { return o.of[field] }

// near returns the longest known field that text begins with, as "priorities.low" begins
// "priorities.low.cluster: there is no cluster". A cluster's name may contain any character, so
// only known fields tell where a field ends in text.
func (o *Origins) near(text string) (field string, origin Origin) {
	for f, at := range o.of {
		if len(f) > len(field) && within(text, f) {
			field, origin = f, at
		}
	}
	return field, origin
}

// within reports whether text is field, a path below it, or field and a colon.
func within(text, field string) bool {
	rest, ok := strings.CutPrefix(text, field)
	return ok && (rest == "" || strings.ContainsRune(".[:", rune(rest[0])))
}

// forget removes field and everything below it.
func (o *Origins) forget(field string) {
	for f := range o.of {
		if within(f, field) {
			delete(o.of, f)
		}
	}
}
