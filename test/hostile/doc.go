// Package hostile is a man in the middle between a client and its Kafka: he understands the frames
// that pass, and spoils answers as a broken proxy, a foreign server or a broker out of its mind
// would.
//
// A [Middle] is a dialer. [Middle.Turn] makes it hostile with some [Mutation] of each answer's
// kind, drawn from a seed, and [Middle.Sane] ends that. Each mutation says what of the records can
// still be demanded while it is served, its [Trust]: a broker that acknowledges what it did not
// write loses records, and no client can tell.
package hostile
