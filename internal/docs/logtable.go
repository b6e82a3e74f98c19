package docs

import (
	"os"
	"regexp"
	"strings"
)

// LogRow is what docs/logs.md says of a log line.
type LogRow struct {
	Level  string
	Fields []string // their names
}

var quoted = regexp.MustCompile("`[^`]+`")

// LogTable returns the rows of docs/logs.md by their messages. Page is the path to that file.
func LogTable(page string) (map[string]LogRow, error) {
	text, err := os.ReadFile(page)
	rows := make(map[string]LogRow)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || cells[1] == " message " || cells[1] == "---" {
			continue
		}
		row := LogRow{Level: strings.TrimSpace(cells[2])}
		for _, name := range quoted.FindAllString(cells[4], -1) {
			row.Fields = append(row.Fields, strings.Trim(name, "`"))
		}
		rows[strings.TrimSpace(cells[1])] = row
	}
	return rows, err
}
