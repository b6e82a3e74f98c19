package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const head = "# Settings\n\n" +
	"<!-- Written by \"make docs\" from the doc comments of producer.Config. Do not edit. -->\n\n" +
	"The names below are those of a YAML file. A variable is called `FOREBAY_` and the name\n" +
	"in capitals, with `_` for each dot: `FOREBAY_BUFFER_MAX_BYTES=64MiB`. In code, each is a\n" +
	"field of `producer.Config`. Package `config` reads files and variables; code wins over\n" +
	"variables, and variables over files. `forebay config check FILE` lists every mistake,\n" +
	"and what is in force.\n\n" +
	"Durations are written as 10ms, 30s, 5m, 1h30m or 2d, and sizes as 64MiB or a number of\n" +
	"bytes. `never` and `none` are Never and NoGuarantee. In code, a zero field means the\n" +
	"default. [examples/fronting.yaml](../examples/fronting.yaml) is a complete file with\n" +
	"three clusters.\n"

// page returns docs/settings.md for the module in a folder.
func page(root string) (string, error) {
	all, err := read(root)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(head)
	group := "none yet"
	for _, s := range all {
		if s.group != group {
			group = s.group
			fmt.Fprintf(&b, "\n## %s\n", title(group))
			if s.intro != "" {
				fmt.Fprintf(&b, "\n%s\n", wrapped(s.intro))
			}
			b.WriteString("\n| setting | type, unit | default | meaning | edges |\n" +
				"|---|---|---|---|---|\n")
		}
		c := columnsOf(s.text)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.short(), s.kind, c.byDefault,
			c.meaning, c.edges)
	}
	return b.String(), nil
}

// wrapped breaks text into lines of at most a hundred characters.
func wrapped(text string) string {
	var b strings.Builder
	used := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case used == 0:
		case used+1+n > 100:
			b.WriteByte('\n')
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// short returns the name of a setting within its group.
func (s setting) short() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.name, s.group), ".")
}

// title names a group of settings.
func title(group string) string {
	if group == "" {
		return "The program"
	}
	return "`" + group + "`"
}
