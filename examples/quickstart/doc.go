// Quickstart shows Forebay at work in about 15 seconds, with nothing to install: three Kafka
// clusters run inside this process, one for each priority. It sends before they exist, takes one
// away and brings it back, and in the end reads everything back to see that each accepted record is
// there exactly once.
//
//	go run ./examples/quickstart
//
// On a terminal a table follows the producer live; elsewhere there is a line per second. The exit
// status is 0 only when nothing was lost and nothing is there twice.
//
// Read main.go first: it is the story, and all that an application has to write. The rest is its
// stage: the clusters (embedded.go), the events (load.go), how soon they flow again (comeback.go),
// the proof (verify.go), the screen (display.go).
package main
