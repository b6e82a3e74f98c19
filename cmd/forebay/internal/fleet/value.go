package fleet

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// setValue reads text into v. name is that of the setting: "…_bytes" are sizes. The error says what
// to write.
func setValue(v reflect.Value, name, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if u.UnmarshalText([]byte(text)) != nil {
			return errors.New("write low, medium or high")
		}
		return nil
	}
	switch v.Interface().(type) {
	case time.Duration:
		d, err := parseDuration(text)
		v.SetInt(int64(d))
		return err
	case int64:
		n, err := parseSize(text)
		v.SetInt(n)
		return err
	case int:
		f, err := parseNumber(text)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
			return errors.New("write a whole number such as 12 or 10k")
		}
		v.SetInt(int64(f))
	case float64:
		f, err := parseNumber(text)
		v.SetFloat(f)
		return err
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("write true or false")
		}
		v.SetBool(b)
	case string:
		v.SetString(text)
	default:
		return fmt.Errorf("%s cannot be written in a file", name)
	}
	return nil
}

// parseDuration reads a time with its unit; 0 needs none.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil {
		return d, nil
	}
	if f, plain := strconv.ParseFloat(text, 64); plain == nil && f > 0 {
		return 0, fmt.Errorf("no unit: write %sms, %ss or %sm", text, text, text)
	}
	return 0, errors.New("write a time such as 10ms, 30s, 5m or 1h")
}

// parseSize reads a number of bytes, with a unit or without.
func parseSize(text string) (int64, error) {
	if f, plain := strconv.ParseFloat(text, 64); plain == nil && f != math.Trunc(f) {
		return 0, fmt.Errorf("no unit: write %skB, %sMB or %sGB", text, text, text)
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || strings.Contains(text, ",") || n > math.MaxInt64 {
		return 0, errors.New("write a size such as 512B, 64MiB or 1MB")
	}
	return int64(n), nil
}

// thousands are the units of a number.
var thousands = map[byte]float64{'k': 1e3, 'K': 1e3, 'M': 1e6, 'G': 1e9}

// parseNumber reads a number such as 1500, 2.5, 1_000, 10k or 8M.
func parseNumber(text string) (float64, error) {
	hint := errors.New("write a number such as 1500, 2.5, 10k or 8M")
	if text == "" {
		return 0, hint
	}
	unit, scaled := thousands[text[len(text)-1]]
	if scaled {
		text = text[:len(text)-1]
	} else {
		unit = 1
	}
	if text == "" || strings.ContainsAny(text[:1], "_") || strings.HasSuffix(text, "_") {
		return 0, hint
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if f *= unit; err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, hint
	}
	return f, nil
}
