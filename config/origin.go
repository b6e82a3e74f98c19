package config

import (
	"fmt"
	"strings"
)

// Origin says where a setting comes from. The zero Origin means that it was not set: it has its
// default.
type Origin struct {
	File         string
	Line, Column int    // in File, from 1; 0 for the file as a whole
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

// Origins knows where each setting of a configuration comes from.
type Origins struct {
	file string
	of   map[string]Origin // by field
}

// Of returns where a field such as "clusters.events.brokers" was set, the zero Origin if nowhere.
func (o *Origins) Of(field string) Origin { return o.of[field] }

// near returns the longest field with a known origin that text begins with, as "priorities.low"
// begins "priorities.low.cluster: there is no cluster". Names of clusters may have any character in
// them, so that only what is known tells where a field ends.
func (o *Origins) near(text string) (field string, origin Origin) {
	for f, at := range o.of {
		if len(f) > len(field) && within(text, f) {
			field, origin = f, at
		}
	}
	return field, origin
}

// within reports whether text is field or goes on below it, or with a colon.
func within(text, field string) bool {
	rest, ok := strings.CutPrefix(text, field)
	return ok && (rest == "" || strings.ContainsRune(".[:", rune(rest[0])))
}

// forget removes what is known of field and all below it.
func (o *Origins) forget(field string) {
	for f := range o.of {
		if within(f, field) {
			delete(o.of, f)
		}
	}
}
