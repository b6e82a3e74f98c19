//go:build unix

package kafkatest

import "errors"

// errNoRun reports a test package whose TestMain does not go through Run, so that nobody would end
// the shared cluster.
var errNoRun = errors.New("TestMain does not call kafkatest.Run")

// errPortTaken reports that a broker ended because another program had bound its port.
var errPortTaken = errors.New("port taken")
