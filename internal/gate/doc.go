// Package wire answers one question: may a lane send to a broker now, or does it let a higher one
// go first?
//
// Lanes have connections of their own, so none waits behind the request of another; but what a
// broker can take is shared. A [Gate], one for each cluster, has lanes of lower priority keep back
// while a higher one has more for a broker than it gets rid of, and leaves them a share of what is
// answered, so that none starves.
//
// # A lane's part
//
// All in one pass of its dispatcher, for each broker:
//
//	gate.Answered(lane, broker, bytes, now) // for each request that was answered
//	ok, again := gate.May(lane, broker, now)
//	gate.Sent(lane, broker, bytes, now)     // if it was ok, and for each request
//	gate.Pressing(lane, broker, now)        // if more is ready, and all slots there are in use
//
// # Concurrency
//
// A Gate is safe for concurrent use, and no call of it waits for anything but others. It has no
// goroutine and no clock.
package gate
