// Audit shows how three instances of the auditor find what is wrong with a Kafka cluster, with
// nothing to install: the three brokers run inside this process. One broker is made slow, and later
// another one acknowledges a record and throws it away.
//
//	go run ./examples/audit                           # 25 seconds
//	go run ./examples/audit -listen 127.0.0.1:9090    # with a page to look at
//
// It ends with the account. The exit status is 0 only if the auditor has named the slow broker, and
// found exactly the one record that was lost.
//
// main.go is the story, cluster.go the brokers and what is wrong with them.
package main
