package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which build this is: version, commit, Go and " +
			"franz-go", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), version()) },
	}
}

// version returns which build this is, a line for each fact.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return describe(info)
}

// describe returns what info says, and "unknown" for what it does not.
func describe(info *debug.BuildInfo) string {
	set := make(map[string]string)
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	commit := []string{cmp.Or(set["vcs.revision"], "unknown")}
	if at := set["vcs.time"]; at != "" {
		commit = append(commit, at)
	}
	if set["vcs.modified"] == "true" {
		commit = append(commit, "with changes that are not committed")
	}
	franz := "unknown"
	for _, dep := range info.Deps {
		if dep.Path != "github.com/twmb/franz-go" {
			continue
		}
		franz = dep.Version
		if dep.Replace != nil {
			franz += " replaced by " + strings.TrimSpace(dep.Replace.Path+" "+dep.Replace.Version)
		}
	}
	return fmt.Sprintf("forebay   %s\ncommit    %s\nGo        %s %s/%s\nfranz-go  %s\n",
		cmp.Or(info.Main.Version, "unknown"),
		strings.Join(commit, ", "), cmp.Or(strings.TrimPrefix(info.GoVersion, "go"),
			strings.TrimPrefix(runtime.Version(), "go")), runtime.GOOS, runtime.GOARCH, franz)
}
