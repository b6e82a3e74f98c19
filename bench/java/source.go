// Package java holds the driver of Kafka's own Java client.
package java

import _ "embed" // the source

// Source is the program.
//
//go:embed Drive.java
var Source []byte
