// Package producer holds the suites that see package producer from outside: on real Kafka
// (*_kafka_test.go), in virtual time with embedded Kafka (*_virtual_test.go, which want -tags
// synctests), and behind brokers that lie (hostile_virtual_test.go). Tests that need none of these
// stand beside the code they test.
package producer
