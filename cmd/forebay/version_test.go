package main

import (
	"bytes"
	"io"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersion_IsTheSameAsACommandAndAsAFlag(t *testing.T) {
	var command, flag bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"version"}, nil, &command, io.Discard))
	require.Equal(t, exitOK, run(t.Context(), []string{"--version"}, nil, &flag, io.Discard))
	require.Equal(t, command.String(), flag.String())
	require.Regexp(t, `^forebay   .+\ncommit    .+\nGo        1\.\d+.* \w+/\w+\n`+
		`franz-go  v1\.\d+\.\d+\n$`, flag.String())
}

func TestVersion_NamesTheCommitAndWhatIsNotInIt(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"},
		Deps: []*debug.Module{{Path: "github.com/twmb/franz-go", Version: "v1.22.2",
			Replace: &debug.Module{Path: "../franz-go"}}},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "5a02361"},
			{Key: "vcs.time", Value: "2026-11-28T20:00:00Z"},
			{Key: "vcs.modified", Value: "true"},
		},
	}
	require.Regexp(t, `^forebay   v1.2.3
commit    5a02361, 2026-11-28T20:00:00Z, with uncommitted changes
Go        1.26.8 \w+/\w+
franz-go  v1.22.2 replaced by ../franz-go
$`, describe(info))
	require.Regexp(t, "^forebay   unknown\ncommit    unknown\nGo        1.+\nfranz-go  unknown\n$",
		describe(new(debug.BuildInfo)))
}
