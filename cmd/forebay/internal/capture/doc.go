// Package capture keeps records of Kafka in a file, and plays them again.
//
// A capture is text, one JSON object a line; the command compresses it with zstd. The first line is
// the [Header], then follows a line for each [Record], and the last line is the [Trailer]:
//
//	{"forebay_capture":1,"topics":["plays"],"recorded":"2026-11-30T20:00:00Z","first":"…"}
//	{"ms":0,"topic":"plays","partition":2,"key":"ann","headers":[{"name":"a","value":"b"}]}
//	{"ms":15,"topic":"plays","partition":0,"key64":"/w==","value":""}
//	{"records":2,"complete":true}
//
// Bytes that are UTF-8 are strings. Others are base64, in a field with 64 after its name. A key or
// a value that is absent is null in Kafka; an empty string is not null.
//
// A [Source] reads a range of topics from Kafka, a [Writer] writes a capture, a [Reader] reads one,
// and a [Player] sends what it reads. A capture without its last line was cut off: the reader says
// so at its end.
package capture
