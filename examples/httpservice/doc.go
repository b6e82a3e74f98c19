// Httpservice is a small HTTP service that sends an event for each request, with nothing to
// install: its two Kafka clusters run inside this process, and their network is cut and restored
// while clients send it requests over loopback.
//
//	go run ./examples/httpservice                        # half a minute
//	go run ./examples/httpservice -addr 127.0.0.1:8080   # until Ctrl-C
//
// With -addr, open http://127.0.0.1:8080/forebay/ and /metrics. Both end with the latencies of the
// requests with and without Kafka, the books, and a comparison with the records in Kafka. The exit
// status is 0 only when no request has failed, the books balance, and each event is where its
// report says.
//
// Read service.go first: it is the service. main.go is the story. The rest is its stage: the
// clients (load.go), what became of each event (account.go), what is printed (display.go), the
// clusters (../internal/stage).
package main
