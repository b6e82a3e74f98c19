// Package fleet answers "what does a fleet of services that use Forebay cost its Kafka cluster?"
// It computes from a description, and does not talk to Kafka.
//
//	f, err := fleet.Read("fleet.yaml")
//	...
//	plan := fleet.Make(f, fleet.Measured())
//	plan.Print(os.Stdout)
//
// # What the files are about
//
//	fleet.go        what a fleet is, and the defaults
//	file.go         from YAML to a Fleet; read.go has the fields, value.go the values
//	check.go        what a fleet may not be
//	flow.go         what one instance sends, by priority
//	linger.go       how long batches wait, where the settings give a range
//	requests.go     how many requests that makes: the model
//	play.go         the same where there is no formula
//	poisson.go      the distribution of arrivals behind it
//	broker.go       what one broker gets, and the processor time it takes
//	replication.go  the fetches of followers
//	connections.go  connections, and the storm when a cluster comes back
//	memory.go       what waiting records take
//	outage.go       whether an outage fits into the buffer, and the time to drain it
//	coefficients.go what a request, a megabyte and a connection cost; fit.go fits it
//	plan.go         all of that together; print.go shows it as a table
//	advice.go       what to change, and what that would give
//
// # The request model
//
// docs/scale.md derives it, and compares it with measured runs.
//
// # Concurrency
//
// All functions are pure. A Plan does not change after Make.
package fleet
