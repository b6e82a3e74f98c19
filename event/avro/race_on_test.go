//go:build race

package avro_test

const raceEnabled = true
