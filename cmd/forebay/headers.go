package main

import (
	"errors"
	"strings"

	"github.com/forebay-go/forebay/producer"
)

// headers is the value of --header: what each use of the flag adds to all records.
type headers []producer.Header

// String returns the headers as they were written.
func (h *headers) String() string {
	var all []string
	for _, header := range *h {
		all = append(all, header.Key+"="+string(header.Value))
	}
	return strings.Join(all, " ")
}

// Set adds a header. The value may be empty and may contain further equals signs.
func (h *headers) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("write a name and a value, such as source=import")
	}
	*h = append(*h, producer.Header{Key: name, Value: []byte(value)})
	return nil
}

// Type names the type in the help.
func (h *headers) Type() string { return "name=value" }
