package producer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/delivery"
)

func TestFAQ_NamesEveryReasonAndEveryError(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "FAQ.md"))
	require.NoError(t, err)
	text := string(file)
	for reason := range delivery.Reasons {
		require.Contains(t, text, "**"+reason.String()+"** `Reason")
	}
	names := 0
	for _, file := range parsed(t, ".", 0) {
		for name := range file.Scope.Objects { //nolint:staticcheck // names are all that is looked for
			if strings.HasPrefix(name, "Err") || strings.HasPrefix(name, "Reason") &&
				name != "Reason" {
				require.Contains(t, text, "`"+name+"`")
				names++
			}
		}
	}
	require.Greater(t, names, 15)
}

func TestFAQ_LinksToItsOwnHeadings(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "FAQ.md"))
	require.NoError(t, err)
	anchors := make(map[string]bool)
	for line := range strings.Lines(string(file)) {
		if title, ok := strings.CutPrefix(strings.TrimSpace(line), "## "); ok {
			anchors[strings.ReplaceAll(strings.ToLower(strings.TrimRight(title, "?")), " ",
				"-")] = true
		}
	}
	_, rest, found := strings.Cut(string(file), "](#")
	require.True(t, found)
	for found {
		anchor, after, _ := strings.Cut(rest, ")")
		require.True(t, anchors[anchor], anchor)
		_, rest, found = strings.Cut(after, "](#")
	}
}
