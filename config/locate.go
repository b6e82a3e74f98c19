package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/forebay-go/forebay/producer"
)

// locate returns an error of the producer about cfg as mistakes, each with the place where its
// setting was written.
func (o *Origins) locate(err error, cfg producer.Config) []Mistake {
	leaves := leavesOf(reflect.ValueOf(cfg))
	var mistakes []Mistake
	for _, err := range flatten(err) {
		text := err.Error()
		known, origin := o.near(text)
		m := Mistake{Origin: origin, Text: text}
		if origin == (Origin{}) {
			m.Origin.File = o.file
		}
		if i := strings.Index(text[len(known):], ": "); i >= 0 {
			m.Field, m.Text = text[:len(known)+i], text[len(known)+i+2:]
		}
		for _, l := range leaves {
			if l.path == m.Field {
				m.Text = asWritten(m.Text, l)
			}
		}
		mistakes = append(mistakes, m)
	}
	return mistakes
}

// flatten returns the errors that are joined in err.
func flatten(err error) []error {
	switch e := err.(type) { //nolint:errorlint // it looks at each layer
	case nil:
		return nil
	case interface{ Unwrap() []error }:
		var errs []error
		for _, err := range e.Unwrap() {
			errs = append(errs, flatten(err)...)
		}
		return errs
	case interface{ Unwrap() error }:
		if strings.Contains(err.Error(), ":\n") { // a heading
			return flatten(e.Unwrap())
		}
	}
	return []error{err}
}

// asWritten returns text about the value of l with values in the form of a file: 64MiB, not
// 67108864.
func asWritten(text string, l leaf) string {
	found := fmt.Sprint(l.value.Interface())
	name := lastName(l.path)
	switch rest, ok := strings.CutPrefix(text, found+": "); {
	case l.secret && found == "":
		return text
	case l.secret:
		return strings.ReplaceAll(text, found, "(secret)")
	case ok:
		text = format(l.value, name) + ": " + rest
	}
	text = inFile.Replace(text)
	if !strings.HasSuffix(name, "_bytes") {
		return text
	}
	return large.ReplaceAllStringFunc(text, func(number string) string {
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			return formatSize(n)
		}
		return number
	})
}

// inFile replaces values that mean something else in a producer.Config than in a file.
var inFile = strings.NewReplacer(", or 0 for ", ", or leave it out for ",
	"-1 for never", "never", "-1 for none", "0 for none")

// large matches numbers that read better as sizes.
var large = regexp.MustCompile(`\b[1-9]\d{3,}\b`)
