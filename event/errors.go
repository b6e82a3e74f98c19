package event

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrEncode reports an event that could not be encoded. Nothing of it was sent. The error also
// wraps that of the codec, or a *PanicError. Sending the same event again fails again.
var ErrEncode = errors.New("event not encoded")

// PanicError reports that the codec, a method of the event that it called, or the function of KeyBy
// panicked.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of the goroutine, as debug.Stack returns it
}

func newPanicError(value any) *PanicError {
	return &PanicError{Value: value, Stack: debug.Stack()}
}

// Error returns the value of the panic in words.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

var errNotAppended = errors.New("the codec returned a slice that does not begin with the one it " +
	"got: Append must append to dst")

var errNil = errors.New("the event is nil: use SendTombstone to send a null value")
