// Package kgocompat runs programs against franz-go's client and against that of package
// kgocompat, on embedded and on real Kafka: both must show them the same.
package kgocompat
