// Command bench measures Forebay beside its peers and writes RESULTS.md and charts.
//
//	go run . -run cpu,send,resume,held,talk,accounts -rounds 5
//
// It wants a quiet machine. -quick shows in some minutes that everything works. Each measurement
// leaves its samples in a folder, one a line, and takes the place of those of an earlier run; -more
// adds its rounds to them instead. -page makes the page without measuring anything.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/forebay-go/forebay/bench/measure"
)

func main() {
	log.SetFlags(log.Ltime)
	var err error
	if len(os.Args) > 1 && os.Args[1] == "drive" {
		err = driveCommand(os.Args[2:])
	} else {
		err = benchCommand(os.Args[1:])
	}
	if err != nil {
		log.Fatal(err)
	}
}

func benchCommand(args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	var b measure.Bench
	chosen := flags.String("run", "cpu,send,resume,held,talk,accounts", "which measurements")
	clients := flags.String("clients", "", "which clients; empty: all")
	cases := flags.String("cases", "",
		"a regular `expression` that the names of cases match, as they stand in RESULTS.md; empty: all")
	flags.IntVar(&b.Rounds, "rounds", 5, "how often each is measured")
	flags.BoolVar(&b.Quick, "quick", false, "shorter than a figure deserves")
	flags.StringVar(&b.Work, "work", "work", "folder for journals")
	flags.StringVar(&b.Logs, "logs", "",
		"`folder` of logs, *.log, whose lines are sent where lines are; empty: made ones are")
	samples := flags.String("samples", "samples", "folder for samples")
	more := flags.Bool("more", false, "add rounds to the samples that are there")
	out := flags.String("out", ".", "folder for RESULTS.md and charts")
	pageOnly := flags.Bool("page", false, "only write the page of the samples that are there")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *clients != "" {
		b.Only = strings.Split(*clients, ",")
	}
	if *cases != "" {
		var err error
		if b.Cases, err = regexp.Compile(*cases); err != nil {
			return fmt.Errorf("-cases: %w", err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !*pageOnly {
		wanted, err := choose(strings.Split(*chosen, ","))
		if err != nil {
			return err
		}
		err = run(ctx, &b, wanted, *samples, *more, strings.Join(args, " "))
		return errors.Join(err, writePage(*samples, *out)) // of what was measured
	}
	return writePage(*samples, *out)
}

// choose returns the measurements of these names.
func choose(names []string) (wanted []measure.Measurement, err error) {
	all := measure.All()
	for _, name := range names {
		at := slices.IndexFunc(all, func(m measure.Measurement) bool { return m.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("no measurement is named %q", name)
		}
		wanted = append(wanted, all[at])
	}
	return wanted, nil
}
