package fleet

import (
	"bytes"
	_ "embed" // the figures of this build
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"time"
)

// Coefficients say what brokers' processors do for producers, as "forebay plan calibrate" measures
// it: cores = Base + PerRequest · requests/s + PerBatch · batches/s + PerFetch · fetches/s +
// PerMegabyte · MB/s + PerConnection · connections.
type Coefficients struct {
	// PerRequest is the processor time of a produce request, in seconds.
	PerRequest float64 `json:"cpu_seconds_per_request"`
	// PerBatch is the processor time of each batch in a request, in seconds. A batch goes to one
	// partition.
	PerBatch float64 `json:"cpu_seconds_per_batch"`
	// PerFetch is the processor time of a fetch of a follower, in seconds, at both ends.
	PerFetch float64 `json:"cpu_seconds_per_fetch"`
	// PerMegabyte is the processor time of 1,000,000 bytes written, in seconds.
	PerMegabyte float64 `json:"cpu_seconds_per_megabyte"`
	// PerConnection is the processor time of a connection that is open, in seconds per second.
	PerConnection float64 `json:"cores_per_connection"`
	// Base is what a broker takes with next to no load, in cores.
	Base float64 `json:"cores_base"`
	// Late is how long after its linger a batch leaves, in seconds.
	Late float64 `json:"seconds_late"`

	Measured    time.Time `json:"measured"`
	Machine     string    `json:"machine"`
	Kafka       string    `json:"kafka"`
	Brokers     int       `json:"brokers"`                     // that were measured
	Partitions  int       `json:"partitions"`                  // of each topic that was written to
	NoProcessor bool      `json:"no_processor_time,omitempty"` // the brokers' was not measured
	NoReplicas  bool      `json:"no_replicas,omitempty"`       // those were not measured
	Points      []Point   `json:"points,omitempty"`
}

// Point is one measured load.
type Point struct {
	Seconds     float64 `json:"seconds"`
	Linger      float64 `json:"linger_seconds"`
	Records     float64 `json:"records_per_second"`
	Producers   int     `json:"producers"`
	Keyed       bool    `json:"keyed,omitempty"`
	RecordBytes int     `json:"record_bytes"`
	Replicas    int     `json:"replicas"`

	Requests    float64 `json:"requests_per_second"`
	Batches     float64 `json:"batches_per_second"`
	Megabytes   float64 `json:"megabytes_per_second"` // as produced
	Connections float64 `json:"connections"`
	Fetches     float64 `json:"fetches_per_second"` // of followers, by the model
	Cores       float64 `json:"cores"`              // of the brokers; 0 if not measured
	Predicted   float64 `json:"predicted_requests"` // requests/s by the model
}

//go:embed measured.json
var measured []byte

// Measured returns the coefficients that come with this build.
func Measured() Coefficients {
	var c Coefficients
	if err := json.Unmarshal(measured, &c); err != nil {
		panic(err) // a test reads it
	}
	return c
}

// ReadCoefficients reads a file that "forebay plan calibrate" wrote.
func ReadCoefficients(path string) (Coefficients, error) {
	var c Coefficients
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := c.read(text); err != nil {
		return c, fmt.Errorf("%s: not a coefficients file: %w: write one with \"forebay plan "+
			"calibrate\"", path, err)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// read reads JSON that has all coefficients, and nothing else: one that is missing would be a cost
// of zero, in silence.
func (c *Coefficients) read(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(c); errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	} else if err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("something follows the coefficients")
	}
	var there map[string]json.RawMessage
	if err := json.Unmarshal(text, &there); err != nil {
		return err
	}
	for field := range reflect.TypeFor[Coefficients]().Fields() {
		name, optional, _ := strings.Cut(field.Tag.Get("json"), ",")
		if _, found := there[name]; !found && optional == "" {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}

// check returns what is wrong with c.
func (c *Coefficients) check() error {
	var errs []error
	sum := 0.0
	for _, f := range []struct {
		name  string
		value float64
		most  float64
	}{
		{"cpu_seconds_per_request", c.PerRequest, 1},
		{"cpu_seconds_per_batch", c.PerBatch, 1},
		{"cpu_seconds_per_fetch", c.PerFetch, 1},
		{"cpu_seconds_per_megabyte", c.PerMegabyte, 10},
		{"cores_per_connection", c.PerConnection, 1},
		{"cores_base", c.Base, 100},
		{"seconds_late", c.Late, 1},
	} {
		if !(f.value >= 0 && f.value <= f.most) {
			errs = append(errs, fmt.Errorf("%s: %v: write a number from 0 to %v", f.name, f.value,
				f.most))
		}
		sum += math.Abs(f.value)
	}
	if sum == 0 {
		errs = append(errs, errors.New("no coefficient is set: write the file with \"forebay plan "+
			"calibrate\""))
	}
	return errors.Join(errs...)
}
