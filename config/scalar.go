package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/forebay-go/forebay/producer"
)

// setScalar reads text into v, which must be settable. name is the name of the field, which
// contains the unit of a number. The error says what was found and what to write.
func setScalar(v reflect.Value, name, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	found := func(hint string, args ...any) error {
		return fmt.Errorf("%s: %s", quoted(text), fmt.Sprintf(hint, args...))
	}
	switch kind := v.Kind(); {
	case v.Type() == durationType:
		d, err := parseDuration(text)
		if err != nil {
			return found("%v", err)
		}
		v.SetInt(int64(d))
	case kind == reflect.String:
		v.SetString(text)
	case kind == reflect.Bool:
		b, ok := words[strings.ToLower(text)]
		if !ok {
			return found("write true or false")
		}
		v.SetBool(b)
	case v.CanInt():
		return setInt(v, name, text)
	case v.CanFloat():
		f, err := parseFloat(text)
		if err != nil || v.OverflowFloat(f) {
			return found("write a number such as 0.25, or 25%%")
		}
		v.SetFloat(f)
	default:
		return fmt.Errorf("a %v cannot be written in a file", v.Type())
	}
	return nil
}

// words are the words for a bool in YAML 1.1 and 1.2.
var words = map[string]bool{"true": true, "yes": true, "on": true, "false": false, "no": false,
	"off": false}

func setInt(v reflect.Value, name, text string) error {
	hint, parse := "write a whole number such as 6", parseInt
	if strings.HasSuffix(name, "_bytes") {
		hint, parse = "write a size such as 512KiB, 64MiB or 1MB, or a number of bytes", parseSize
	}
	n, err := parse(text)
	switch {
	case strings.Contains(text, ",") && text[0] >= '0' && text[0] <= '9':
		return fmt.Errorf("%s: %s, without a comma: 1.5GiB, 1000000", quoted(text), hint)
	case errors.Is(err, strconv.ErrRange) || err == nil && v.OverflowInt(n):
		return fmt.Errorf("%s: out of range: write a number up to %d", quoted(text),
			int64(math.MaxInt64)>>(64-v.Type().Bits()))
	case err != nil:
		return fmt.Errorf("%s: %s", quoted(text), hint)
	}
	v.SetInt(n)
	return nil
}

// parseInt reads a decimal number, which may contain underscores as in 10_000.
func parseInt(text string) (int64, error) {
	if strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
}

// parseSize reads a number of bytes, or a number with a unit: 1MiB and 1Mi are 2²⁰ bytes, 1MB and
// 1M are 10⁶.
func parseSize(text string) (int64, error) {
	n, err := parseInt(text)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return n, err
	}
	u, err := humanize.ParseBytes(text)
	// ParseBytes ignores commas, and rounds 0.5 down to 0 bytes
	if err != nil || strings.Contains(text, ",") || !hasUnit(text) {
		return 0, strconv.ErrSyntax
	}
	if u > math.MaxInt64 {
		return 0, strconv.ErrRange
	}
	return int64(u), nil
}

// hasUnit reports whether text ends in a letter.
func hasUnit(text string) bool { return text != "" && unicode.IsLetter(rune(text[len(text)-1])) }

// parseFloat reads a number or a percentage.
func parseFloat(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, strconv.ErrSyntax
	}
	if percent {
		f /= 100
	}
	return f, nil
}

// never is the value of producer.Never and of producer.NoLinger.
const never = time.Duration(-1)

// parseDuration reads a time as Go writes it, with days ("1d12h"), and "never" or "none".
func parseDuration(text string) (time.Duration, error) {
	switch text {
	case "never", "none", "-1":
		return never, nil
	}
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "0", text
	}
	n, err := strconv.ParseInt(days, 10, 32)
	var d time.Duration
	if err == nil && rest != "" {
		d, err = time.ParseDuration(rest)
	}
	const day = 24 * time.Hour
	if err != nil || n < 0 || n > int64(math.MaxInt64/day)-1 || d > day && n > 0 {
		if _, plain := strconv.Atoi(text); plain == nil {
			return 0, fmt.Errorf("no unit: write %sms, %ss or %sm", text, text, text)
		}
		return 0, errors.New("write a time such as 10ms, 30s, 5m or 1h")
	}
	return time.Duration(n)*day + d, nil
}

// format returns v, a word or a list of words of the setting called name, as a file may have it.
func format(v reflect.Value, name string) string {
	if v.Kind() == reflect.Slice {
		items := make([]string, v.Len())
		for i := range items {
			items[i] = format(v.Index(i), name)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	switch {
	case v.Type() == durationType && name == "linger" &&
		time.Duration(v.Int()) == producer.NoLinger:
		return "none"
	case v.CanFloat() && name == "guaranteed_share" && v.Float() == producer.NoGuarantee:
		return "0" // see readZero
	case v.Type() == durationType:
		return formatDuration(time.Duration(v.Int()))
	case v.CanInt() && strings.HasSuffix(name, "_bytes"):
		return formatSize(v.Int())
	}
	return fmt.Sprint(v.Interface())
}

func formatDuration(d time.Duration) string {
	if d == never {
		return "never"
	}
	text := d.String() // 1h0m0s
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

func formatSize(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}} {
		if n >= unit.size && n%unit.size == 0 {
			return strconv.FormatInt(n/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// quoted returns text in quotes for a message, cut if it is long.
func quoted(text string) string {
	const longest = 60
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return strconv.Quote(text)
}
