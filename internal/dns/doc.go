// Package dns opens connections to names, and remembers their addresses. While look-ups fail or
// take long, it uses the last good answer, as RFC 8767 (serving stale data) has resolvers do.
//
//	d := dns.New(dns.Config{})
//	defer d.Close()
//	conn, err := d.DialContext(ctx, "tcp", "kafka-1:9092")
//
// # When a name is looked up
//
// The first dial of a name waits for its look-up. From then on the answer is remembered:
//
//   - It is refreshed every Config.RefreshEvery in the background, while the name has open
//     connections or its last dial was less than ten refreshes ago.
//   - A dial looks the name up first if the answer is older than that, as it is for an idle name.
//     It also does if the last dial of the name failed, or its connection ended before anything
//     was read. It waits 300 ms for the look-up at most, and not at all if the last look-up failed.
//     Then it uses the last good answer.
//
// So no idle answer goes stale unnoticed, the dial after a failed one follows a name that moves,
// and each dial causes at most one look-up.
//
// Look-ups of one name are shared. If one has not ended, or has failed and there is an older
// answer, the next begins a second later at the earliest. A look-up that its dial could not wait
// for goes on for up to six seconds, and its answer serves the next dial.
//
// # What is forgotten
//
// An answer is used for Config.StaleFor at most. Beyond Config.MaxNames names, the least recently
// used is forgotten. No answer of a resolver erases a good one: neither an error, nor an empty
// answer, nor that the name does not exist. In this the package departs from the RFC. A zone that
// was lost or published with a mistake is an outage that a producer must survive. TLS or the
// cluster ID exposes a stranger at an old address.
//
// # Which address
//
// All addresses are tried: first the one that answered last, the others in a random order for each
// dialer, so that many dialers spread. The next attempt begins when the one before has failed, or
// has had its part of the time, a quarter of a second at most. Both then go on, as in RFC 8305, so
// a distant broker is never cut short because a name has many addresses. The first connection that
// opens is taken, TLS included, and the others are closed. An open connection is not an answer: a
// process that has stopped, or one behind a balancer, still accepts connections. Only what was read
// counts.
//
// # Goroutines
//
// There are none for a name, only one for each look-up and attempt in progress. They end with their
// contexts, and Close ends these. Nobody waits for a look-up or a dial function that ignores its
// context: its dial returns in time, and Close after a second. At most 256 look-ups are in
// progress, abandoned ones included.
package dns
