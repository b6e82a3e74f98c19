package config

import "github.com/forebay-go/forebay/internal/similar"

// foreign says which of our settings is meant by the names that other clients of Kafka, and other
// programs that write to it, have for theirs. The names are as similar.Plain has them.
var foreign = map[string]string{
	"bootstrapserver": brokersHint, "bootstrapservers": brokersHint, "metadatabrokerlist": brokersHint, "brokerlist": brokersHint,
	"seedbrokers": brokersHint, "seeds": brokersHint, "servers": brokersHint, "hosts": brokersHint, "addresses": brokersHint,
	"addrs": brokersHint, "kafkabrokers": brokersHint,

	"output": sinkHint, "outputs": sinkHint, "sink": sinkHint, "sinks": sinkHint, "kafka": sinkHint, "kafkafranz": sinkHint,
	"outputkafka": sinkHint, "outputkafkafranz": sinkHint, "spring": sinkHint,

	"securityprotocol": "for SSL write clusters.<name>.tls.enabled: true, for SASL_PLAINTEXT " +
		"clusters.<name>.sasl with its mechanism, for SASL_SSL both",
	"ssl": tlsHint, "enabletls": tlsHint, "usetls": tlsHint, "tlsenabled": tlsHint, "secure": tlsHint,
	"saslmechanism": "write clusters.<name>.sasl.mechanism", "saslmechanisms": "write " +
		"clusters.<name>.sasl.mechanism",
	"jaasconfig": loginHint, "sasljaasconfig": loginHint, "saslusername": loginHint, "saslpassword": loginHint, "username": loginHint,
	"sslcalocation": filesHint, "ssltruststorelocation": filesHint, "sslcertificatelocation": filesHint, "sslkeylocation": filesHint,
	"sslkeystorelocation": filesHint, "truststore": filesHint, "keystore": filesHint, "cafile": filesHint, "certfile": filesHint,
	"keyfile": filesHint,

	"lingerms": "write batching.linger, with a unit: 10ms", "queuebufferingmaxms": "write " +
		"batching.linger, with a unit: 10ms",
	"batchsize":          "write batching.max_bytes",
	"compressiontype":    "write batching.compression",
	"compressioncodec":   "write batching.compression",
	"requestrequiredack": acksHint, "requestrequiredacks": acksHint, "requiredacks": acksHint,
	"buffermemory": "write buffer.max_bytes", "queuebufferingmaxkbytes": "write " +
		"buffer.max_bytes", "queuebufferingmaxmessages": "write buffer.max_bytes",
	"maxbufferedrecords": "write buffer.max_bytes", "maxbufferedbytes": "write buffer.max_bytes",
	"maxrequestsize": "write batching.max_record_bytes", "messagemaxbytes": "write " +
		"batching.max_record_bytes",
	"maxmessagebytes":   "write batching.max_record_bytes",
	"deliverytimeoutms": timeoutHint, "messagetimeoutms": timeoutHint, "recorddeliverytimeout": timeoutHint, "retries": timeoutHint,
	"messagesendmaxretries": timeoutHint, "recordretries": timeoutHint, "requesttimeoutms": timeoutHint, "maxblockms": "Send never waits: remove it",
	"clientrack":        "write rack",
	"partitionerclass":  "write batching.partitioner, or use WithPartitioner",
	"enableidempotence": "idempotence is on where acks is all: remove it",
	"maxinflightrequestsperconnection": "Forebay keeps the order without it: remove " +
		"it", "maxinflight": "Forebay keeps the order without it: remove it",
	"transactionalid": "there are no transactions: remove it",
	"keyserializer":   "records are bytes: remove it", "valueserializer": "records are bytes: " +
		"remove it",
}

const (
	brokersHint = "write clusters.<name>.brokers, a list"
	sinkHint    = "this setting belongs to another program: list brokers in " +
		"clusters.<name>.brokers; each record names its topic"
	tlsHint     = "write clusters.<name>.tls.enabled: true"
	loginHint   = "write clusters.<name>.sasl with mechanism, user, and password or password_file"
	filesHint   = "write clusters.<name>.tls with ca_file, cert_file and key_file, in PEM"
	acksHint    = "write batching.acks: all or leader"
	timeoutHint = "Forebay retries until priorities.<low, medium or high>.delivery_timeout: set " +
		"that instead"
)

// foreignHint returns what to write in place of a name of somebody else's, "" for other names and
// for those of ours.
func foreignHint(name string, ours []string) string {
	for _, our := range ours {
		if similar.Plain(our) == similar.Plain(name) {
			return ""
		}
	}
	return foreign[similar.Plain(name)]
}
