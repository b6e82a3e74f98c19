package main

import (
	"github.com/spf13/cobra"
)

func newSchema() *cobra.Command {
	cmd := &cobra.Command{Use: "schema", Short: "Register schemas, check them, and lock their IDs",
		Args: cobra.NoArgs, RunE: missingCommand}
	cmd.AddCommand(newSchemaRegister(), newSchemaCheck(), newSchemaLock())
	return cmd
}

// schemaInput is what the help of each of these commands says of its input.
const schemaInput = `
Either name one schema, with --subject and its file, or name a YAML file with --schemas:

  schemas:
    - subject: plays-value
      file: plays.avsc       # relative to the YAML file
    - subject: users-value
      file: users.proto
      type: protobuf         # default: by the name, .avsc, .proto or .json
      references:            # schemas that this one imports
        - {name: common.proto, subject: common, version: 3}

The registry is that of --registry, or of SCHEMA_REGISTRY_URL. SCHEMA_REGISTRY_USER and
SCHEMA_REGISTRY_PASSWORD, or SCHEMA_REGISTRY_TOKEN, have its credentials.
`
