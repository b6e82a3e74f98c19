package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/event/registry"
)

const schemaRegisterLong = `Register schemas, and print their IDs. A schema that is registered keeps
its ID, so the command may be run again. This belongs in a CI job: programs that send events only
look up.
` + schemaInput + `
Exit codes:
  0  every schema is registered
  1  some schema was not taken, or the registry gave no answer
  2  the command line is wrong, or a file of it`

func newSchemaRegister() *cobra.Command {
	var f schemaFlags
	cmd := &cobra.Command{
		Use:   "register [flags] {--schemas file | --subject name file}",
		Short: "Register schemas, and print their IDs",
		Long:  schemaRegisterLong,
		Example: "  forebay schema register --registry https://registry:8081 --schemas " +
			"schemas.yaml\n  forebay schema register --registry https://registry:8081 --subject " +
			"plays-value plays.avsc",
		RunE: func(cmd *cobra.Command, args []string) error {
			schemas, err := f.read(cmd, args)
			if err != nil {
				return err
			}
			return f.eachSchema(cmd.Context(), cmd.OutOrStdout(), schemas, registerSchema)
		},
	}
	f.register(cmd.Flags())
	cmd.DisableFlagsInUseLine = true
	return cmd
}

func registerSchema(ctx context.Context, r *registry.Registry, s namedSchema) (admin.Level,
	string) {
	id, err := r.LookUp(ctx, s.subject, s.schema)
	if err == nil {
		return admin.OK, fmt.Sprintf("has the ID %d", id)
	}
	if errors.Is(err, registry.ErrNotRegistered) {
		if id, err = r.Register(ctx, s.subject, s.schema); err == nil {
			return admin.OK, fmt.Sprintf("registered with the ID %d", id)
		}
	}
	return admin.Wrong, err.Error()
}
