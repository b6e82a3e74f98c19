package sink

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// What lines that were cut have in common, whatever their form.
const (
	SizeKey   = "truncated_bytes" // the size that a line had, in bytes
	ShortText = 64                // bytes that are left of a text at least
	mark      = "[...]"           // ends a text that was cut
)

const (
	depthMax = 200      // of values in values that are looked at
	largest  = 32 << 20 // bytes of a line that is looked at: more would take too long
)

// Shorten returns a line in at most limit bytes, nil if it cannot. The longest texts of a JSON
// object are cut first; if that is not enough, its largest members are left out. A line that is no
// JSON object is cut at its end. Lines above 32 MiB are not shortened.
func Shorten(line []byte, limit int) []byte {
	if len(line) > largest {
		return nil
	}
	members := make(map[string]any)
	if !decode(line, &members) {
		if limit <= len(mark) || len(line) <= limit {
			return nil
		}
		return []byte(Cut(string(line), limit-len(mark)))
	}
	members[SizeKey] = len(line)
	for most := limit / 2; most >= ShortText; most /= 4 {
		if short := encode(cutTexts(members, most, 0)); short != nil && len(short) <= limit {
			return short
		}
	}
	return smallest(members, limit)
}

// Cut returns the first most bytes of text, or a few less, and the mark. It does not part a
// character. A text that is not longer is returned as it is.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + mark
}

// decode decodes a JSON object. Numbers stay as they were written.
func decode(line []byte, members *map[string]any) bool {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	return d.Decode(members) == nil && *members != nil
}

// encode encodes v without a newline at its end, nil if it cannot.
func encode(v any) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// cutTexts returns v with all texts cut to most bytes, and arrays to most elements.
func cutTexts(v any, most, depth int) any {
	if depth > depthMax {
		return mark
	}
	switch v := v.(type) {
	case string:
		return Cut(v, most)
	case map[string]any:
		short := make(map[string]any, len(v))
		for key, member := range v {
			short[Cut(key, most)] = cutTexts(member, most, depth+1)
		}
		return short
	case []any:
		cut := len(v) > most
		short := make([]any, 0, min(len(v), most)+1)
		for _, element := range v[:min(len(v), most)] {
			short = append(short, cutTexts(element, most, depth+1))
		}
		if cut {
			short = append(short, mark)
		}
		return short
	default:
		return v
	}
}

// smallest returns the smallest members of the object that have room together.
func smallest(members map[string]any, limit int) []byte {
	type member struct {
		key  string
		text []byte
	}
	var all []member
	for key, v := range members {
		small := map[string]any{Cut(key, ShortText): cutTexts(v, ShortText, 0)}
		if text := encode(small); text != nil {
			all = append(all, member{key, text[1 : len(text)-1]})
		}
	}
	slices.SortFunc(all, func(a, b member) int {
		return cmp.Or(rank(a.key)-rank(b.key), len(a.text)-len(b.text), cmp.Compare(a.key, b.key))
	})
	short := []byte{'{'}
	for _, m := range all {
		if len(short)+len(",")+len(m.text)+len("}") > limit {
			continue
		}
		if len(short) > 1 {
			short = append(short, ',')
		}
		short = append(short, m.text...)
	}
	if len(short) == 1 {
		return nil
	}
	return append(short, '}')
}

// rank puts first what tells that the line is not complete, and where it belongs.
func rank(key string) int {
	firsts := []string{SizeKey, "time", "level", "msg"}
	if i := slices.Index(firsts, key); i >= 0 {
		return i
	}
	return len(firsts)
}
