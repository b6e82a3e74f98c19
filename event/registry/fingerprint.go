package registry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

// fingerprintPrefix names the hash, and that the schema was normalized as [Fingerprint] says.
const fingerprintPrefix = "sha256:"

// Fingerprint returns what the lock file knows a schema by: a hash of its type, its text and its
// references. White space, and in Avro and JSON the order of the keys of an object, do not count;
// line ends and white space around the text do not count in Protobuf. Everything else does, such as
// comments and default values.
//
// The error says what is wrong with a schema that no registry would take: no text, text that is not
// JSON in an Avro or JSON schema, or a reference without a name, a subject or a version. The
// content is not checked beyond that.
func Fingerprint(schema sr.Schema) (string, error) {
	text, err := normalize(schema)
	if err != nil {
		return "", err
	}
	schema.Schema = text
	schema.References = slices.Clone(schema.References)
	slices.SortFunc(schema.References, func(a, b sr.SchemaReference) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Subject, b.Subject),
			cmp.Compare(a.Version, b.Version))
	})
	whole, err := json.Marshal(schema)
	if err != nil {
		return "", fmt.Errorf("schema: %w", err)
	}
	sum := sha256.Sum256(whole)
	return fingerprintPrefix + hex.EncodeToString(sum[:]), nil
}

// normalize returns the text of a schema without what does not count.
func normalize(schema sr.Schema) (string, error) {
	for i, ref := range schema.References {
		if ref.Name == "" || ref.Subject == "" || ref.Version < 1 {
			return "", fmt.Errorf("schema: reference %d (name %q, subject %q, version %d): write "+
				"the name that the schema uses, a subject, and a version from 1", i+1, ref.Name,
				ref.Subject, ref.Version)
		}
	}
	text := strings.TrimSpace(schema.Schema)
	if text == "" {
		return "", errors.New("schema: no text: write the schema itself, such as the content of " +
			"its file")
	}
	switch schema.Type {
	case sr.TypeProtobuf:
		return strings.ReplaceAll(text, "\r\n", "\n"), nil
	case sr.TypeAvro, sr.TypeJSON:
		return normalizeJSON(text)
	default:
		return "", fmt.Errorf("schema: unknown type %d: write sr.TypeAvro, sr.TypeProtobuf or "+
			"sr.TypeJSON", int(schema.Type))
	}
}

// normalizeJSON returns text without white space, and with the keys of objects in order. Numbers
// keep their digits.
func normalizeJSON(text string) (string, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if err == nil {
		if _, rest := decoder.Token(); !errors.Is(rest, io.EOF) {
			err = errors.New("more text after its end")
		}
	}
	if err != nil {
		return "", fmt.Errorf("schema: not JSON: %w: write an Avro or JSON schema, or set another "+
			"type", err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("schema: %w", err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
