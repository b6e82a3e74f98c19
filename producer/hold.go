package producer

import "github.com/forebay-go/forebay/buffer"

// Hold keeps records in the buffer until what they need is known: the ID of a schema, say, which a
// registry has not said yet. Make one with NewHold, and name it in Record.Hold. A Hold belongs to
// no producer: records of several producers and topics may have the same. It is safe for concurrent
// use, and must not be copied.
//
//	hold := producer.NewHold(`schema "plays-value"`)
//	err := p.Send(producer.Record{Topic: "plays", Value: value, Hold: hold}) // 4 zero bytes at 1
//	hold.Release(1, id)                                                      // by any goroutine
//
// Its methods:
//   - Release(at int, patch []byte) lets the records go. In the value of each, a copy of patch
//     takes the place of as many bytes from offset at on. A value that ends before that, such as
//     nil, stays as it is. Only the first Release counts. When it returns, no record that was sent
//     before waits for it any more. It does no I/O. It panics if at is negative.
//   - Explain(why string) says why the records still wait, such as "the registry answers 503". The
//     last call counts.
//   - Name returns the name, and String the name with that reason, of each 300 bytes at most.
//
// A record that is sent with a released Hold does not wait: Send writes the patch into a copy of
// its value, which it allocates.
//
// # What is held back
//
// Such records are accepted and pending. They delay no others: records without a Hold, or with
// another one, pass them. Records of one Hold with the same key, or with the same chosen partition,
// keep their order, also with those that are sent after Release.
//
// They take at most a quarter of Buffer.MaxBytes, the table of each Hold included. Beyond that Send
// returns ErrBufferFull, and others still have room. They are given up for higher priorities like
// others, and expire like others, at the delivery timeout from Send. Then, and if Close gives them
// up, their reason is ReasonSchemaUnknown. They are not compressed while they wait.
//
// The record of a report has the value as it is in the buffer: patched and without a Hold if the
// Hold was released, else as it was sent, with the Hold, so that it may be sent again.
//
// Stats().Troubles, the errors of Flush, SendWait and Close, the log and the page say which Hold
// records wait for, and what Explain said.
type Hold = buffer.Hold

// NewHold returns a Hold. Its name says what is waited for, such as `schema "plays-value"`.
func NewHold(name string) *Hold { return buffer.NewHold(name) }
