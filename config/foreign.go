package config

import (
	"slices"
	"strings"

	"github.com/forebay-go/forebay/internal/similar"
)

// foreign maps settings of other Kafka clients, and of programs that write to Kafka, to a hint what
// to write instead. Names are as similar.Plain returns them, separated by white space.
var foreign = byName([]struct{ hint, names string }{
	{"write clusters.<name>.brokers, a list", `
		bootstrapserver bootstrapservers metadatabrokerlist brokerlist seedbrokers seeds
		servers hosts addresses addrs kafkabrokers`},
	{"it belongs to another program: list brokers in clusters.<name>.brokers; each " +
		"record names its topic", `
		output outputs sink sinks kafka kafkafranz outputkafka outputkafkafranz spring`},

	{"for SSL write clusters.<name>.tls.enabled: true, for SASL_PLAINTEXT clusters.<name>.sasl " +
		"with its mechanism, for SASL_SSL both", "securityprotocol"},
	{"write clusters.<name>.tls.enabled: true", "ssl enabletls usetls tlsenabled secure"},
	{"write clusters.<name>.sasl.mechanism", "saslmechanism saslmechanisms"},
	{"write clusters.<name>.sasl with mechanism, user, and password or password_file",
		"jaasconfig sasljaasconfig saslusername saslpassword username"},
	{"write clusters.<name>.tls with ca_file, cert_file and key_file, in PEM", `
		sslcalocation ssltruststorelocation sslcertificatelocation sslkeylocation
		sslkeystorelocation truststore keystore cafile certfile keyfile`},

	{"write batching.linger, with a unit: 10ms", "lingerms queuebufferingmaxms"},
	{"write batching.max_bytes", "batchsize"},
	{"write batching.compression", "compressiontype compressioncodec"},
	{"write batching.compression_level", `
		compressionlevel compressiongziplevel compressionlz4level compressionzstdlevel`},
	{"write batching.acks: all or leader", "requestrequiredack requestrequiredacks requiredacks"},
	{"write batching.partitioner, or use WithPartitioner", "partitionerclass"},
	{"write batching.max_record_bytes", "maxrequestsize messagemaxbytes maxmessagebytes"},
	{"write buffer.max_bytes", `
		buffermemory queuebufferingmaxkbytes queuebufferingmaxmessages maxbufferedrecords
		maxbufferedbytes`},
	{"write rack", "clientrack"},

	{"Forebay retries until priorities.<low, medium or high>.delivery_timeout: set that instead", `
		deliverytimeoutms messagetimeoutms recorddeliverytimeout retries messagesendmaxretries
		recordretries requesttimeoutms`},
	{"Send never waits: remove it", "maxblockms"},
	{"idempotence is on unless batching.acks is leader: remove it", "enableidempotence"},
	{"Forebay keeps the order without it: remove it",
		"maxinflightrequestsperconnection maxinflight"},
	{"there are no transactions: remove it", "transactionalid"},
	{"records are bytes: remove it", "keyserializer valueserializer"},
})

// byName returns the hint for each name.
func byName(table []struct{ hint, names string }) map[string]string {
	hints := make(map[string]string)
	for _, row := range table {
		for _, name := range strings.Fields(row.names) {
			hints[name] = row.hint
		}
	}
	return hints
}

// foreignHint returns what to write instead of a setting of another program, for which ours may be
// written where it is; "" for other names, and for those in ours.
func foreignHint(name string, ours []string) string {
	for _, our := range ours {
		if similar.Plain(our) == similar.Plain(name) {
			return ""
		}
	}
	hint := foreign[similar.Plain(name)]
	if here, is := strings.CutPrefix(hint, "write batching."); is { // topics have some of these
		setting, _, _ := strings.Cut(here, " ")
		if slices.Contains(ours, strings.Trim(setting, ",:")) {
			return "write " + here
		}
	}
	return hint
}
