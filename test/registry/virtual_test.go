//go:build synctests

package registry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/forebay-go/forebay/event/registry"
	"github.com/forebay-go/forebay/producer"
)

var errDown = errors.New("connection refused")

func down(*http.Request) (*http.Response, error) { return nil, errDown }

func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func answers(status int, kind, text string) fault {
	return func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.WriteString(text)
		return w.Result(), nil
	}
}

var faults = map[string]fault{
	"away":         down,
	"hangs":        hang,
	"500":          answers(500, "application/json", `{"error_code":50001,"message":"store"}`),
	"HTML":         answers(200, "text/html", "<html>welcome</html>"),
	"credentials":  answers(401, "application/json", `{"error_code":401,"message":"who?"}`),
	"unregistered": nil, // the schema comes later
	"incompatible": answers(409, "application/json", `{"error_code":409,"message":"no"}`),
}

func newCodec(t *testing.T, r *registry.Registry) *registry.Codec[string] {
	t.Helper()
	c, err := registry.NewCodec(r, registry.ValueSubject(topic), sr.Schema{Schema: recordA}, text{})
	require.NoError(t, err)
	return c
}

// The registry is at fault from the start and for an hour. What is sent in the last minutes of it
// arrives, with the right ID and in the order of its key; what is older has expired.
func TestVirtual_EventsWaitForTheRegistry(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, registry.Config{})
				defer b.end()
				if f != nil {
					b.fault.Store(&f)
				}
				c := newCodec(t, b.r)
				e := events(t, b.p, topic, c)
				begun := time.Now()
				send(t, e, "k", texts(0, 50)...)
				require.Zero(t, time.Since(begun), "Send has waited")
				time.Sleep(time.Hour)
				books := b.balanced()
				require.EqualValues(t, 50, books.Lost(producer.ReasonSchemaUnknown))
				require.EqualValues(t, 50, books.Expired)
				require.Empty(t, b.log(), "something was written without an ID")

				send(t, e, "k", texts(50, 150)...)
				require.EqualValues(t, 100, b.balanced().Pending)
				b.reg.SeedSchema("plays-value", 1, 7, sr.Schema{Schema: recordA})
				b.fault.Store(nil)
				time.Sleep(2 * time.Second)
				for _, v := range texts(150, 200) { // around the release
					send(t, e, "k", v)
					time.Sleep(time.Second)
				}
				require.Nil(t, c.Hold())
				require.NoError(t, b.p.Flush(t.Context()))
				books = b.balanced()
				require.EqualValues(t, 150, books.Delivered)
				require.Zero(t, books.Pending)
				require.Equal(t, texts(50, 200), b.texts(7), "those of a key keep their order")
			})
		})
	}
}

// Neither Kafka nor the registry is there, and they come back in either order.
func TestVirtual_EventsWaitForKafkaAndTheRegistry(t *testing.T) {
	for name, kafkaFirst := range map[string]bool{"Kafka first": true, "registry first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, registry.Config{})
				defer b.end()
				b.link.Cut()
				away := fault(down)
				b.fault.Store(&away)
				b.reg.SeedSchema("plays-value", 1, 7, sr.Schema{Schema: recordA})
				c := newCodec(t, b.r)
				e := events(t, b.p, topic, c)
				send(t, e, "", texts(0, 100)...)
				time.Sleep(time.Minute)
				back := []func(){b.link.Restore, func() { b.fault.Store(nil) }}
				if !kafkaFirst {
					back[0], back[1] = back[1], back[0]
				}
				for _, fn := range back {
					require.EqualValues(t, 100, b.balanced().Pending)
					fn()
					time.Sleep(time.Minute)
				}
				require.EqualValues(t, 100, b.balanced().Delivered)
				require.ElementsMatch(t, texts(0, 100), b.texts(7))
			})
		})
	}
}

// A registry that takes two seconds for an answer delays no call of Send, and no event of others.
func TestVirtual_ASlowRegistryDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, registry.Config{})
		defer b.end()
		slow := fault(func(req *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return b.answer(req)
		})
		b.fault.Store(&slow)
		b.reg.SeedSchema("plays-value", 1, 7, sr.Schema{Schema: recordA})
		c := newCodec(t, b.r)
		e := events(t, b.p, topic, c)
		begun := time.Now()
		send(t, e, "k", "event 0")
		require.NoError(t, b.p.Send(producer.Record{Topic: topic, Key: []byte("k"), Value: []byte("plain")}))
		require.Zero(t, time.Since(begun))
		time.Sleep(time.Second)
		require.EqualValues(t, 1, b.balanced().Delivered, "the one without a schema")
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 2, b.balanced().Delivered)
	})
}

// The lock file has an ID that stands for another schema in this registry. From the first answer of
// the registry on, no event has that ID.
func TestVirtual_AWrongIDOfTheLockFileIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fingerprint, err := registry.Fingerprint(sr.Schema{Schema: recordA})
		require.NoError(t, err)
		lock := new(registry.Lock)
		require.NoError(t, lock.Set(registry.LockedSchema{Subject: "plays-value",
			Fingerprint: fingerprint, ID: 5}))
		b := newBubble(t, registry.Config{}, registry.WithLock(lock.Bytes()))
		defer b.end()
		b.reg.SeedSchema("other-value", 1, 5, sr.Schema{Schema: recordB})
		c := newCodec(t, b.r)
		e := events(t, b.p, topic, c)
		synctest.Wait()
		send(t, e, "", texts(0, 10)...)
		time.Sleep(time.Minute)
		require.EqualValues(t, 10, b.balanced().Pending)
		require.EqualValues(t, 1, b.r.Stats().Contradictions)
		b.reg.SeedSchema("plays-value", 1, 8, sr.Schema{Schema: recordA})
		time.Sleep(time.Minute)
		require.ElementsMatch(t, texts(0, 10), b.texts(8))
	})
}

// What Close finds waiting for an ID gets its outcome, with the reason, and Close says why.
func TestVirtual_CloseGivesUpWhatWaitsForAnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, registry.Config{})
		defer b.end()
		c := newCodec(t, b.r)
		e := events(t, b.p, topic, c)
		send(t, e, "", texts(0, 10)...)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		summary, err := b.p.Close(ctx)
		require.ErrorContains(t, err, `schema "plays-value"`)
		require.ErrorContains(t, err, "run forebay schema register")
		require.EqualValues(t, 10, summary.Lost[producer.ReasonSchemaUnknown])
		b.balanced()
	})
}
