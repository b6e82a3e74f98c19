package cluster

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// unfit reports that a broker does not offer the request versions that we need. Only an update of
// the broker or of Forebay helps.
type unfit struct{ words string }

func (u *unfit) Error() string { return u.words }

// needed are the indispensable requests, and the versions of them that we support. Record batches
// came with version 3 of Produce.
var needed = []struct {
	key         kmsg.Key
	first, last int16
}{
	{kmsg.Produce, 3, maxProduceVersion},
	{kmsg.Metadata, whoVersion, 13},
}

// fits returns an *unfit if we cannot write to a broker with these offers. kgo would go on, and
// send requests that the broker does not understand.
func fits(offers []kmsg.ApiVersionsResponseApiKey) error {
	if len(offers) == 0 {
		return nil // kgo asks once more, or reports the error
	}
	for _, n := range needed {
		first, last := int16(0), int16(-1)
		for _, k := range offers {
			if k.ApiKey == int16(n.key) {
				first, last = k.MinVersion, k.MaxVersion
			}
		}
		switch {
		case last < 0:
			return &unfit{fmt.Sprintf("the broker does not offer %s requests: is it meant for "+
				"producers?", n.key.Name())}
		case last < n.first:
			return &unfit{fmt.Sprintf("the broker is older than Kafka 0.11: it takes %s "+
				"requests up to version %d, and version %d is needed: update it",
				n.key.Name(), last, n.first)}
		case first > n.last:
			return &unfit{fmt.Sprintf("the broker is newer than this version of Forebay: it "+
				"takes %s requests from version %d on, and Forebay has up to %d: update Forebay",
				n.key.Name(), first, n.last)}
		}
	}
	return nil
}

// offersIn returns the offers in frame, an answer to ApiVersions; none if there are none in it.
func offersIn(version int16, frame []byte) []kmsg.ApiVersionsResponseApiKey {
	answer := kmsg.NewPtrApiVersionsResponse()
	answer.Version = version
	if len(frame) < 8 || answer.ReadFrom(frame[8:]) != nil || answer.ErrorCode != 0 {
		return nil
	}
	return answer.ApiKeys
}
