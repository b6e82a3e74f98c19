package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/producer"
)

// probing bounds the time for all clusters together.
const probing = time.Minute

// probe checks each cluster in cfg, with the topics in cfg and in more. It prints a line
// for each finding, and returns how many are wrong. Choices override what cfg says topics are like.
func probe(ctx context.Context, out io.Writer, cfg producer.Config, more []string,
	choices admin.Choices) (wrong int, err error) {
	ctx, cancel := context.WithTimeout(ctx, probing)
	defer cancel()
	cfg, err = cfg.Complete()
	if err != nil {
		return 0, err
	}
	verdicts, err := admin.Probe(ctx, cfg, choices, more...)
	if err != nil {
		return 0, err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	wrong = printVerdicts(table, verdicts)
	return wrong, table.Flush()
}

// printVerdicts prints a line for each verdict, and returns how many are wrong.
func printVerdicts(table io.Writer, verdicts []admin.Verdict) (wrong int) {
	for _, v := range verdicts {
		fmt.Fprintf(table, "%v\t%s\t%s\t%s\n", v.Level, v.Cluster, v.About, v.Text)
		if v.Level == admin.Wrong {
			wrong++
		}
	}
	return wrong
}
