package main

import (
	"fmt"
	"strings"
)

const head = `# Settings

<!-- Written by "make docs" from the doc comments of producer.Config. Do not edit it by hand. -->

The names below are those of a YAML file. A variable is called ` + "`FOREBAY_`" + ` and the name in
capitals, with ` + "`_`" + ` for each dot: ` + "`FOREBAY_BUFFER_MAX_BYTES=64MiB`" + `. In code, each is a field of
` + "`producer.Config`" + `. Package ` + "`config`" + ` reads files and variables; code wins over variables, and
variables over files. ` + "`forebay config check FILE`" + ` lists every mistake, and what is in force.

Durations are written as 10ms, 30s, 5m, 1h30m or 2d, and sizes as 64MiB or a number of bytes. ` + "`never`" + `
and ` + "`none`" + ` are Never and NoGuarantee. Zero and empty mean what the text says, which is the default.
`

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
				fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(s.intro))
			}
			b.WriteString("\n| setting | type | what it does |\n|---|---|---|\n")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.name, s.kind, s.text)
	}
	return b.String(), nil
}

// title names a group of settings.
func title(group string) string {
	if group == "" {
		return "The program"
	}
	return "`" + group + "`"
}
