package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/event/registry"
)

// eachSchema asks the registry about each schema, and prints a line for each answer. The error is
// an exitError if something is wrong.
func (f *schemaFlags) eachSchema(ctx context.Context, out io.Writer, schemas []namedSchema,
	ask func(context.Context, *registry.Registry, namedSchema) (admin.Level, string)) error {
	r, err := f.client()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close(context.WithoutCancel(ctx)) }() // nothing is looked up by itself
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	wrong := 0
	for _, s := range schemas {
		level, text := ask(ctx, r, s)
		text = strings.ReplaceAll(text, "check User and Password, or Token", "set "+
			"SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD, or SCHEMA_REGISTRY_TOKEN")
		fmt.Fprintf(table, "%v\t%s\t%s\t%s\n", level, s.subject, s.file, text)
		if level == admin.Wrong {
			wrong++
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if wrong > 0 {
		return exitError(exitFailed)
	}
	return nil
}
