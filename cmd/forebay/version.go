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
		Use:   "version",
		Short: "Print the version, the commit, and the versions of Go and franz-go",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), version()) },
	}
}

// version describes this build, a line for each fact.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return describe(info)
}

// describe returns the facts in info, "unknown" for each that is missing.
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
		commit = append(commit, "with uncommitted changes")
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
		cmp.Or(info.Main.Version, "unknown"), strings.Join(commit, ", "),
		strings.TrimPrefix(cmp.Or(info.GoVersion, runtime.Version()), "go"),
		runtime.GOOS, runtime.GOARCH, franz)
}
