// Package secure says who we are and whom we trust, as files and functions have it now:
// certificates, passwords and tokens are read again for each new connection, so a rotated one needs
// no restart.
//
// # Files
//
// A [File] is read for every connection and parsed when its bytes have changed. To compare times of
// change instead would be cheaper, and would miss what is replaced twice within the grain of the
// clock; there are two connections a second at most, and the files are small. What cannot be read,
// or makes no sense, does not replace what was read before: a rotation that is half done, or done
// wrong, must not cut us off while the old credentials still work. It is logged once, and again
// when it is over.
//
// # Functions
//
// The application's function for credentials may take its time, hang or panic, and so may a folder
// of another machine. Connections share a call that is under way ([Source]), and wait two seconds
// for it at most; it goes on, and the next connection gets what it brought.
//
// # Errors
//
// An [Error] says that the trouble is on our side: a file, a function. Nothing here puts a secret
// into an error.
package secure

// Error says why there are no credentials.
type Error struct {
	What string // the setting, or the function
	Err  error
}

func (e *Error) Error() string { return e.What + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
