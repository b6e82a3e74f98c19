// Package dns opens connections to names, and remembers what they meant: while look-ups fail, or
// take long, the last good answer is used, as RFC 8767 (serving stale data) has resolvers do it.
//
//	d := dns.New(dns.Config{})
//	defer d.Close()
//	conn, err := d.DialContext(ctx, "tcp", "kafka-1:9092")
//
// # When a name is looked up
//
// The first dial of a name waits for its look-up. From then on the answer is remembered, and:
//
//   - it is refreshed every Config.RefreshEvery in the background, while there are connections to the name, or a dial was
//     less than ten refreshes ago;
//   - a dial looks the name up first where the answer is older than that, which is so for a name that was idle, or where the
//     last dial of the name failed, or its connection ended before anything was read. It waits 300 ms for it at most, and not
//     at all where the last look-up failed, and then uses the last good answer. So nothing idle goes stale unnoticed, a name
//     that moves is followed by the dial after the one that failed, and there is no more than one look-up for each dial.
//
// Look-ups of one name are shared, and where one has not ended, or has failed and there is an older
// answer, the next is not begun within a second. One that its dial could not wait for goes on, six
// seconds at most, and its answer is there for the next dial.
//
// # What is forgotten
//
// An answer that is used is at most Config.StaleFor old. Of more than Config.MaxNames names the one
// that was used longest ago goes. Nothing that a resolver says erases a good answer: neither an
// error, nor an empty answer, nor that the name does not exist. There we part from the RFC: a zone
// that was lost, or pushed with a mistake, is an outage that a producer has to get over, and
// whoever now lives at an old address is found out by TLS, or by the cluster's ID.
//
// # Which address
//
// All addresses are tried: first the one where somebody answered last, the others in an order of
// each dialer's own, so that many dialers spread. The next begins when the one before has failed,
// or has had its part of the time, a quarter of a second at most; it goes on beside it, as in RFC
// 8305, so that the way to a far broker is never cut short for there being many. The first that is
// there is taken, TLS included, and the others are closed. To have opened a connection is no
// answer: what stopped, or stands behind a balancer, still lets connections be opened. Only what
// was read counts.
//
// # Goroutines
//
// There is none for a name, only one for each look-up and each attempt under way. They end with
// their contexts, and Close ends these. A look-up or a dial function that does not heed its context
// is waited for by nobody: its dial returns in time, and Close after a second. At most 256 look-ups
// are under way, those left behind included.
package dns
