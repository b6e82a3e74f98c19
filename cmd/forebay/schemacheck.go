package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/event/registry"
)

const schemaCheckLong = `Check that the registry would take schemas: that they are compatible with
what is registered under their subjects, by the level that the registry has for each. It registers
nothing.
` + schemaInput + `
Exit codes:
  0  the registry would take every schema
  1  it would not take some schema, or gave no answer
  2  the command line is wrong, or a file of it`

func newSchemaCheck() *cobra.Command {
	var f schemaFlags
	cmd := &cobra.Command{
		Use:     "check [flags] {--schemas file | --subject name file}",
		Short:   "Check that schemas are compatible with what is registered",
		Long:    schemaCheckLong,
		Example: "  forebay schema check --registry https://registry:8081 --schemas schemas.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			schemas, err := f.read(cmd, args)
			if err != nil {
				return err
			}
			return f.eachSchema(cmd.Context(), cmd.OutOrStdout(), schemas, checkSchema)
		},
	}
	f.register(cmd.Flags())
	cmd.DisableFlagsInUseLine = true
	return cmd
}

func checkSchema(ctx context.Context, r *registry.Registry, s namedSchema) (admin.Level, string) {
	why, err := r.Incompatible(ctx, s.subject, s.schema)
	switch {
	case err != nil:
		return admin.Wrong, err.Error()
	case len(why) > 0:
		return admin.Wrong, strings.Join(strings.Fields(strings.Join(why, "; ")), " ")
	default:
		return admin.OK, "compatible"
	}
}
