// Package secure provides certificates, passwords and tokens from files and functions. They are
// read again for each new connection, so a rotated credential needs no restart.
//
// # Files
//
// A [File] is read for every connection, and parsed when its bytes have changed. Comparing
// modification times would be cheaper, but would miss a file that is replaced twice within the
// resolution of the clock. There are two connections a second at most, and the files are small.
//
// A file that cannot be read or parsed does not replace what was read before. A rotation that is
// half done, or done wrong, must not cut us off while the old credentials still work. The failure
// is logged once, and so is its end.
//
// # Functions
//
// The application's function for credentials may be slow, hang or panic, and a network folder may
// hang, too. Connections share a call in progress ([Source]), and wait for it for two seconds at
// most. The call goes on, and the next connection gets its result.
//
// # Errors
//
// An [Error] reports a failure on our side, of a file or a function. No error of this package
// contains a secret.
package secure

// Error says why there are no credentials.
type Error struct {
	What string // the setting, or the function
	Err  error
}

func (e *Error) Error() string { return e.What + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
