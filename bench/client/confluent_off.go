//go:build !cgo

package client

import "fmt"

func newConfluent(Settings, Listener) (Client, error) {
	return nil, fmt.Errorf("confluent-kafka-go: %w, which was made without cgo", ErrLeftOut)
}
