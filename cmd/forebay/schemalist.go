package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
	"go.yaml.in/yaml/v4"

	"github.com/forebay-go/forebay/event/registry"
)

// schemaList is the YAML file of --schemas.
type schemaList struct {
	Schemas []listedSchema `yaml:"schemas"`
}

// listedSchema is a schema as the file or the flags name it.
type listedSchema struct {
	Subject    string            `yaml:"subject"`
	File       string            `yaml:"file"`
	Type       string            `yaml:"type"`
	References []listedReference `yaml:"references"`
}

type listedReference struct {
	Name    string `yaml:"name"`
	Subject string `yaml:"subject"`
	Version int    `yaml:"version"`
}

// namedSchema is a schema that was read.
type namedSchema struct {
	subject     string
	file        string
	schema      sr.Schema
	fingerprint string
}

// maxSchemaBytes bounds the files that are read.
const maxSchemaBytes = 8 << 20

// readList returns the schemas in a YAML file. The error has every mistake.
func readList(path string) ([]namedSchema, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, fmt.Errorf("--schemas: %w", err)
	}
	var list schemaList
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--schemas: %s: %w", path, err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		return nil, fmt.Errorf("--schemas: %s: a second YAML document begins after the first: "+
			"keep only one", path)
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--schemas: %s: %w", path, err)
	}
	if len(list.Schemas) == 0 {
		return nil, fmt.Errorf("--schemas: %s: names no schema: write schemas: and below it a "+
			"list of subject: and file:", path)
	}
	var errs []error
	var read []namedSchema
	seen := make(map[[2]string]bool)
	for i, one := range list.Schemas {
		schema, err := one.read(filepath.Dir(path))
		key := [2]string{schema.subject, schema.fingerprint}
		if err == nil && seen[key] {
			err = fmt.Errorf("subject %q: this schema is there twice: remove one", one.Subject)
		}
		seen[key] = true
		if err != nil {
			errs = append(errs, fmt.Errorf("--schemas: %s: schemas[%d]: %w", path, i, err))
		}
		read = append(read, schema)
	}
	return read, errors.Join(errs...)
}

// read reads the schema from its file, which is relative to folder.
func (s *listedSchema) read(folder string) (namedSchema, error) {
	if s.Subject == "" {
		return namedSchema{}, errors.New("subject: not set: write one, such as plays-value")
	}
	if s.File == "" {
		return namedSchema{}, fmt.Errorf("subject %q: file: not set: write the path of the schema",
			s.Subject)
	}
	path := s.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	named := namedSchema{subject: s.Subject, file: path}
	text, err := readSmall(path)
	if err == nil {
		named.schema.Schema = string(text)
		named.schema.Type, err = s.schemaType()
	}
	for _, ref := range s.References {
		named.schema.References = append(named.schema.References,
			sr.SchemaReference{Name: ref.Name, Subject: ref.Subject, Version: ref.Version})
	}
	if err == nil {
		named.fingerprint, err = registry.Fingerprint(named.schema)
	}
	if err != nil {
		return named, fmt.Errorf("subject %q: %s: %w", s.Subject, path, err)
	}
	return named, nil
}

// schemaType returns what type says, or else the name of the file.
func (s *listedSchema) schemaType() (sr.SchemaType, error) {
	kind := strings.ToLower(s.Type)
	if kind == "" {
		kind = strings.ToLower(filepath.Ext(s.File))
	}
	switch kind {
	case "avro", ".avsc":
		return sr.TypeAvro, nil
	case "protobuf", ".proto":
		return sr.TypeProtobuf, nil
	case "json", ".json":
		return sr.TypeJSON, nil
	}
	if s.Type == "" {
		return 0, errors.New("type: not set, and the name does not end with .avsc, .proto or " +
			".json: write avro, protobuf or json")
	}
	return 0, fmt.Errorf("type: %q: write avro, protobuf or json", s.Type)
}

// readSmall returns the content of a file that is not larger than any schema.
func readSmall(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxSchemaBytes+1))
	if err == nil && len(text) > maxSchemaBytes {
		err = fmt.Errorf("%s is larger than 8 MiB: name another file", path)
	}
	return text, err
}
