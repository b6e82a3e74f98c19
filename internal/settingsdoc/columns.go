package main

import (
	"regexp"
	"strings"
)

// columns are what a comment says, by the columns of the table.
type columns struct {
	byDefault string // from "Zero means", "Empty means", "Required", "False is the default"
	meaning   string
	edges     string // from "New rejects", and special values such as "Never (-1)"
}

var (
	sentenceEnd = regexp.MustCompile("[.]\\s+[\"`A-Z]")
	isDefault   = regexp.MustCompile(`^(Zero|Empty) (means|for) |^Required\.`)
	isEdge      = regexp.MustCompile(
		"^(New|NewTable|It) (also )?rejects |^`?(Never|NoLinger|NoGuarantee)`? \\(")
	rejects = regexp.MustCompile(`^(New|NewTable|It) (also )?rejects `)
	means   = regexp.MustCompile(`^(Zero|Empty) means (that )?`)
)

// columnsOf deals the sentences of a comment to the columns.
func columnsOf(text string) columns {
	var byDefault, meaning, edges []string
	for _, s := range sentences(text) {
		switch {
		case means.MatchString(s):
			byDefault = append(byDefault, strings.TrimSuffix(means.ReplaceAllString(s, ""), "."))
		case strings.HasPrefix(s, "False is the default"):
			byDefault = append(byDefault, "false")
		case isDefault.MatchString(s):
			byDefault = append(byDefault, strings.TrimSuffix(strings.ToLower(s[:1])+s[1:], "."))
		case isEdge.MatchString(s):
			edges = append(edges, rejected(s))
		default:
			meaning = append(meaning, s)
		}
	}
	return columns{strings.Join(byDefault, "; "), strings.Join(meaning, " "),
		strings.Join(edges, " ")}
}

// rejected returns a sentence without New: "Rejected: negative values."
func rejected(s string) string {
	values := rejects.ReplaceAllString(s, "")
	switch condition, is := strings.CutPrefix(values, "it "); {
	case is:
		return "Rejected " + condition
	case values != s:
		return "Rejected: " + values
	}
	return s
}

// sentences splits text behind full stops that a capital, a quote or a name follows.
func sentences(text string) (all []string) {
	for text != "" {
		end := len(text)
		if at := sentenceEnd.FindStringIndex(text); at != nil {
			end = at[0] + 1
		}
		all = append(all, text[:end])
		text = strings.TrimSpace(text[end:])
	}
	return all
}
