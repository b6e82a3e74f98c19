// Events is a small service that logs with log/slog and sends typed events, with nothing to
// install: its Kafka cluster runs inside this process, and the network to it is cut and restored
// meanwhile.
//
//	go run ./examples/events   # 15 seconds
//
// It ends with the books, and a comparison with the records in Kafka. The exit status is 0 only
// when the books balance, no log line was dropped, and each event and each line was read back.
//
// Read service.go first: it is the service. main.go is the story, verify.go compares.
package main
