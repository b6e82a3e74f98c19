package cluster

import "github.com/twmb/franz-go/pkg/kmsg"

// DialTimeout bounds one connection attempt of a cluster, TLS included.
const DialTimeout = dialTimeout

// Reasoned returns err, why a broker did not answer, in words that help to mend its cause.
func Reasoned(err error) error { return reasoned(err) }

// MemoryRequest asks a broker how long it remembers producers.
func MemoryRequest(node int32) *kmsg.DescribeConfigsRequest { return memoryRequest(node) }

// Fits returns why nothing can be written to a broker with these offers, nil if it can.
func Fits(offers []kmsg.ApiVersionsResponseApiKey) error { return fits(offers) }
