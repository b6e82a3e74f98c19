// Audit shows how three instances of the auditor find what is wrong with a Kafka cluster, with
// nothing to install: the three brokers run inside this process. One broker is made slow, and later
// another one acknowledges a record and throws it away.
//
//	go run ./examples/audit   # 25 seconds
//
// It ends with the account. The exit status is 0 only if the auditor has named the slow broker, and
// found exactly the one record that was lost.
//
// main.go is the story, cluster.go the brokers and what is wrong with them.
package main
