// Package similar finds the name that was meant when another one was written.
package similar

import (
	"slices"
	"strings"
)

// Name returns the member of names that was probably meant by name, "" if there is none. It differs
// from name in few letters, or is the only member that contains name or is contained in it. One
// that has all words of another member and more does not count beside that.
func Name(name string, names []string) string {
	best, least := "", 1+max(1, min(len(name)/3, 4)) // what is as far is another word
	for _, candidate := range names {
		if d := distance(Plain(name), Plain(candidate)); d < least &&
			d < max(len(name), len(candidate)) {
			best, least = candidate, d
		}
	}
	if best != "" {
		return best
	}
	const shortest = 4 // letters that mean something
	word, parts := Plain(name), []string(nil)
	for _, candidate := range names {
		c := Plain(candidate)
		if min(len(c), len(word)) >= shortest &&
			(strings.Contains(c, word) || strings.Contains(word, c)) {
			parts = append(parts, candidate)
		}
	}
	all := slices.Clone(parts)
	parts = slices.DeleteFunc(parts, func(long string) bool {
		return slices.ContainsFunc(all, func(short string) bool {
			return short != long && hasWordsOf(long, short)
		})
	})
	if len(parts) == 1 {
		return parts[0]
	}
	return ""
}

// hasWordsOf reports whether long has the words of short, in their order.
func hasWordsOf(long, short string) bool {
	words := strings.FieldsFunc(short, isBreak)
	for _, word := range strings.FieldsFunc(long, isBreak) {
		if len(words) > 0 && word == words[0] {
			words = words[1:]
		}
	}
	return len(words) == 0
}

func isBreak(r rune) bool { return strings.ContainsRune("-_.", r) }

// Plain returns name without what people tend to write in other ways: maxBytes, MAX-BYTES.
func Plain(name string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(name))
}

// distance returns how many letters have to be inserted, removed, replaced, or swapped with the
// next one, to make b of a.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100 // no name is that long, and what somebody wrote may be
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, slices.Repeat([]int{i + 1}, len(b)+1)
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
