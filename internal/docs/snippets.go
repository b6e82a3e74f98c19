package docs

import (
	"fmt"
	"os"
	"strings"
)

// Snippets returns the code of a page that is fenced with the name of a language. A page without
// any is an error.
func Snippets(page, language string) (snippets []string, err error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	var code strings.Builder
	inside := false
	for line := range strings.Lines(string(text)) {
		switch fence := strings.TrimSpace(line); {
		case !inside:
			inside = fence == "```"+language
		case fence == "```":
			snippets = append(snippets, code.String())
			code.Reset()
			inside = false
		default:
			code.WriteString(line)
		}
	}
	switch {
	case inside:
		return nil, fmt.Errorf("%s: the last snippet in %s does not end", page, language)
	case len(snippets) == 0:
		return nil, fmt.Errorf("%s has no snippet in %s", page, language)
	}
	return snippets, nil
}

// Unindented returns code without the white space at the beginnings of its lines. A snippet may
// be indented less than the function that it was copied from.
func Unindented(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString(strings.TrimLeft(line, " \t"))
	}
	return b.String()
}
