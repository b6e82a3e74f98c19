// Package gate answers one question: may a lane send to a broker now, or does it let a higher lane
// go first?
//
// Lanes share the capacity of a broker. Each cluster has one [Gate]. While a higher lane has more
// for a broker than it can send, lower lanes hold back. They keep a share of the answered bytes, so
// that none starves.
//
// # A lane's part
//
// A dispatcher makes these calls in one pass, for each broker:
//
//	gate.Answered(lane, broker, bytes, now) // for each request that was answered
//	ok, again := gate.May(lane, broker, now)
//	gate.Sent(lane, broker, bytes, now)     // if it was ok, and for each request
//	gate.Pressing(lane, broker, now)        // if more is ready, and all slots there are in use
//
// # Connections
//
// Lanes also share a connection to each broker while they send little. [Common] says which lane may
// use it now, so that none waits behind the request of a lower one.
//
// # Concurrency
//
// A Gate is safe for concurrent use. A call waits only for other calls. It has no goroutine and no
// clock.
package gate
