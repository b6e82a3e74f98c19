package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/forebay-go/forebay/event/registry"
	"github.com/forebay-go/forebay/producer"
)

// schemaFlags holds the values of the flags that the commands for schemas share.
type schemaFlags struct {
	list       string // the YAML file; "" if one schema is named
	one        listedSchema
	references []string
	registry   []string
	caFile     string
	timeout    time.Duration
}

func (f *schemaFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.list, "schemas", "", "a YAML `file` that names subjects and schema files")
	set.StringVar(&f.one.Subject, "subject", "",
		"the `subject` of the one schema, such as plays-value")
	set.StringVar(&f.one.Type, "type", "",
		"the `type` of the one schema: avro, protobuf or json (default: by the name of the file)")
	set.StringArrayVar(&f.references, "reference", nil,
		"a schema that the one schema imports, as `name=subject:version`; may be repeated")
	set.StringSliceVar(&f.registry, "registry", nil,
		"the `address`[,address...] of the schema registry (default: SCHEMA_REGISTRY_URL)")
	set.StringVar(&f.caFile, "ca-file", "",
		"a PEM `file` with the authorities to trust (default: those of the system)")
	set.DurationVar(&f.timeout, "timeout", 10*time.Second,
		"how long the registry may take for an answer")
	set.SortFlags = false
}

// read returns the schemas that the command line names.
func (f *schemaFlags) read(cmd *cobra.Command, args []string) ([]namedSchema, error) {
	if f.list == "" {
		return f.readOne(args)
	}
	for _, flag := range []string{"subject", "type", "reference"} {
		if cmd.Flags().Changed(flag) {
			return nil, fmt.Errorf("--%s: is for one schema, and --schemas names a file with "+
				"them: remove one of the two", flag)
		}
	}
	if len(args) > 0 {
		return nil, fmt.Errorf("%q: --schemas names the files: remove one of the two", args[0])
	}
	return readList(f.list)
}

func (f *schemaFlags) readOne(args []string) ([]namedSchema, error) {
	if f.one.Subject == "" || len(args) != 1 {
		return nil, errors.New("name one schema, such as --subject plays-value plays.avsc, or a " +
			"file with --schemas")
	}
	f.one.File = args[0]
	for _, text := range f.references {
		ref, err := parseReference(text)
		if err != nil {
			return nil, err
		}
		f.one.References = append(f.one.References, ref)
	}
	schema, err := f.one.read("")
	if err != nil {
		return nil, err
	}
	return []namedSchema{schema}, nil
}

func parseReference(text string) (listedReference, error) {
	name, rest, _ := strings.Cut(text, "=")
	at := strings.LastIndexByte(rest, ':')
	version, err := strconv.Atoi(rest[at+1:])
	if name == "" || at < 1 || err != nil || version < 1 {
		return listedReference{}, fmt.Errorf("--reference: %q: write name=subject:version, such "+
			"as common.proto=common:3", text)
	}
	return listedReference{name, rest[:at], version}, nil
}

// address returns the addresses of the registry, none if there are none.
func (f *schemaFlags) address() []string {
	if len(f.registry) > 0 {
		return f.registry
	}
	if from := variable("SCHEMA_REGISTRY_URL"); from != "" {
		return strings.Split(from, ",")
	}
	return nil
}

// client returns the registry. The caller closes it.
func (f *schemaFlags) client() (*registry.Registry, error) {
	cfg := registry.Config{
		URLs:     f.address(),
		User:     variable("SCHEMA_REGISTRY_USER"),
		Password: producer.Secret(variable("SCHEMA_REGISTRY_PASSWORD")),
		Token:    producer.Secret(variable("SCHEMA_REGISTRY_TOKEN")),
		Timeout:  f.timeout,
	}
	if len(cfg.URLs) == 0 {
		return nil, errors.New("--registry: not set: write the address of the schema registry, " +
			"such as --registry https://registry:8081, or set SCHEMA_REGISTRY_URL")
	}
	if f.timeout <= 0 {
		return nil, fmt.Errorf("--timeout: %v: write a positive time, such as 10s", f.timeout)
	}
	trust, err := f.trust()
	if err != nil {
		return nil, err
	}
	r, err := registry.New(cfg, registry.WithTLS(trust))
	if err != nil {
		return nil, errors.New(strings.NewReplacer("registry: URLs", "--registry",
			"registry: User and Password", "SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD",
			"registry: Token", "SCHEMA_REGISTRY_TOKEN",
			"set User and Password", "set SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD",
			"together with User", "together with SCHEMA_REGISTRY_USER").Replace(err.Error()))
	}
	return r, nil
}

// trust returns the TLS configuration of --ca-file, nil without it.
func (f *schemaFlags) trust() (*tls.Config, error) {
	if f.caFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.caFile)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca-file: %s has no certificate: name a PEM file", f.caFile)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// variable returns the value of an environment variable, the last one if it is there twice.
func variable(name string) (value string) {
	for _, entry := range environ() {
		if after, ok := strings.CutPrefix(entry, name+"="); ok {
			value = after
		}
	}
	return value
}
