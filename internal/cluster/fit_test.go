package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// A broker that we cannot write to is said to be one, in words, before anything is written to it.
func TestFits_ABrokerThatWeCannotWriteToIsRefused(t *testing.T) {
	for name, broker := range map[string]struct {
		change func(*kmsg.ApiVersionsResponseApiKey)
		says   string
	}{
		"old Produce": {func(k *kmsg.ApiVersionsResponseApiKey) { lower(k, kmsg.Produce, 2) },
			"takes Produce requests up to version 2"},
		"old Metadata": {func(k *kmsg.ApiVersionsResponseApiKey) { lower(k, kmsg.Metadata, 1) },
			"takes Metadata requests up to version 1"},
		"new Produce": {func(k *kmsg.ApiVersionsResponseApiKey) {
			if k.ApiKey == int16(kmsg.Produce) {
				k.MinVersion, k.MaxVersion = 13, 14
			}
		}, "takes Produce requests from version 13 on"},
		"no Produce": {func(k *kmsg.ApiVersionsResponseApiKey) {
			if k.ApiKey == int16(kmsg.Produce) {
				k.ApiKey = 999
			}
		}, "does not offer Produce requests"},
	} {
		t.Run(name, func(t *testing.T) {
			k := fake(t, kfake.NumBrokers(1))
			defer k.Close()
			written := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce, kmsg.Metadata},
				Observe: true, Count: -1})
			k.ControlKey(int16(kmsg.ApiVersions),
				func(req kmsg.Request) (kmsg.Response, error, bool) {
					k.KeepControl()
					resp := kmsg.NewPtrApiVersionsResponse()
					resp.Version = req.GetVersion()
					for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Metadata, kmsg.ApiVersions,
						kmsg.InitProducerID} {
						v := kmsg.NewApiVersionsResponseApiKey()
						v.ApiKey = int16(key)
						v.MaxVersion, _ = kversion.V3_7_0().LookupMaxKeyVersion(v.ApiKey)
						broker.change(&v)
						resp.ApiKeys = append(resp.ApiKeys, v)
					}
					return resp, nil, true
				})
			c, _ := start(t, k.ListenAddrs()...)
			eventually(t, "down", func() bool { return c.Status().State == Down })
			require.Contains(t, c.Status().Reason, broker.says)
			require.Zero(t, written.Hits())
		})
	}
}

func lower(k *kmsg.ApiVersionsResponseApiKey, key kmsg.Key, last int16) {
	if k.ApiKey == int16(key) {
		k.MaxVersion = last
	}
}
