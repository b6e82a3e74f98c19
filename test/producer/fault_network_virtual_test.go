//go:build synctests

package producer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// soon is how fast the producer resumes after an outage of up to shortRange in which connections
// were refused; probeMax is added after a longer one.
const (
	soon = 250 * time.Millisecond
	// until then a broker that does not work is asked ten times a second
	shortRange = 90 * time.Second
	probeMax   = 2 * time.Second
)

// trouble is what may be wrong with a cluster that can be dialled, or not even that.
type trouble struct {
	name   string
	begin  func(b *bubble)
	end    func(b *bubble) // nil: the detour ends
	reason string          // part of what the statistics say
	// how much later it resumes than after a refusal: one attempt is under way
	slack time.Duration
	rate  float64 // attempts a second and broker that are too many within shortRange
}

func detour(dial faultnet.DialFunc) func(*bubble) {
	return func(b *bubble) {
		b.k.detour.Store(&dial)
		b.k.link.Reset()
	}
}

// served opens a connection whose other end is served by serve.
func served(serve func(net.Conn)) faultnet.DialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			serve(theirs)
		}()
		return ours, nil
	}
}

func unresolvable(err net.DNSError) func(*bubble) {
	return detour(func(_ context.Context, _, addr string) (net.Conn, error) {
		own := err
		own.Name = addr
		return nil, &own
	})
}

// likeKafka reads requests and closes where one cannot be: longer than 100 MiB.
func likeKafka(c net.Conn) {
	var size [4]byte
	for {
		if _, err := io.ReadFull(c, size[:]); err != nil ||
			binary.BigEndian.Uint32(size[:]) > 100<<20 {
			return
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(size[:]))); err != nil {
			return
		}
	}
}

// likeHTTP answers what it does not understand in words.
func likeHTTP(c net.Conn) {
	if _, err := c.Read(make([]byte, 1<<16)); err == nil {
		_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	}
}

// overTLS returns dial with TLS on top.
func overTLS(dial faultnet.DialFunc, trust *x509.CertPool) faultnet.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := tls.Client(conn, &tls.Config{RootCAs: trust, ServerName: "localhost"})
		if err := c.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return c, nil
	}
}

var troubles = []trouble{
	{name: "refused", begin: func(b *bubble) { b.k.link.Cut() },
		end: func(b *bubble) { b.k.link.Restore() }, reason: "refused", rate: 13},
	{name: "black hole", begin: func(b *bubble) { b.k.link.Hole() },
		end: func(b *bubble) { b.k.link.Restore() }, reason: "no answer in time",
		slack: time.Second, rate: 13},
	{name: "no such name", begin: unresolvable(net.DNSError{Err: "no such host", IsNotFound: true}),
		reason: "no such host", rate: 13},
	{name: "name server fails", begin: unresolvable(net.DNSError{Err: "server misbehaving",
		IsTemporary: true}), reason: "misbehaving", rate: 13},
	{name: "TLS to a plain broker", begin: detour(overTLS(served(likeKafka), x509.NewCertPool())),
		reason: "closed", rate: 13},
	{name: "accepts and closes", begin: detour(served(func(net.Conn) {})), reason: "closed",
		rate: 13},
	{name: "accepts, reads and closes", begin: detour(served(func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<16))
	})), reason: "closed", rate: 13},
	{name: "accepts, reads and resets",
		begin: func(b *bubble) { b.k.link.CutAfterWrites(1); b.k.link.Reset() },
		end:   func(b *bubble) { b.k.link.CutAfterWrites(0) }, rate: 13},
	{name: "accepts and says nothing", begin: detour(served(func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
	})), reason: "no answer in time", slack: probeMax, rate: 13},
	{name: "answers nonsense", begin: detour(served(likeHTTP)), reason: "response", rate: 13},
}

func (x *trouble) over(b *bubble) {
	if x.end != nil {
		x.end(b)
		return
	}
	b.k.detour.Store(nil)
	b.k.link.Reset()
}

// resumes requires that what waits, where nothing has been delivered yet, is delivered soon enough
// from now on.
func (b *bubble) resumes(within time.Duration) {
	b.t.Helper()
	b.resumesBeyond(0, within)
}

// goesOn requires that what waits is delivered soon enough from now on.
func (b *bubble) goesOn(within time.Duration) {
	b.t.Helper()
	b.resumesBeyond(b.p.Stats().Total.Delivered, within)
}

func (b *bubble) resumesBeyond(before uint64, within time.Duration) {
	b.t.Helper()
	healed := time.Now()
	for b.p.Stats().Total.Delivered == before && time.Since(healed) < time.Minute {
		time.Sleep(time.Millisecond)
	}
	took := time.Since(healed)
	b.proof.Figure("resumed after", "%v", took)
	require.LessOrEqual(b.t, took, within)
	b.proof.Held("I10", 1)
	b.flush()
}

func TestVirtual_F1_StartsWithoutABrokerAndDeliversWhenThereIsOne(t *testing.T) {
	for _, x := range troubles {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F1"), setup{before: x.begin}, func(b *bubble) {
					b.stream(20*time.Second, 3, "events")
					status := b.p.Stats().Clusters["events"]
					require.Equal(t, producer.Connecting, status.State)
					require.Contains(t, status.Reason, x.reason)
					b.proof.Bit("connection attempts without a broker", b.k.link.Dials())
					require.LessOrEqual(t, float64(b.k.link.Dials()), 20*2*x.rate)
					b.proof.Held("I16", 1)
					x.over(b)
					b.resumes(soon + x.slack)
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// certificate makes one that signs itself, for the time of a bubble.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true,
		BasicConstraintsValid: true,
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(1000 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// The brokers speak TLS: with a client that speaks plain, and with one that does not trust them,
// until it is put right.
func TestVirtual_F1_ABrokerWithTLSIsReachedWhenTheClientIsPutRight(t *testing.T) {
	for name, want := range map[string]struct {
		state  producer.ClusterState
		reason string
		within time.Duration
	}{
		"plain client": {producer.Connecting, "TLS", soon},
		// they have answered, and to ask soon again is of no use
		"not trusted": {producer.Down, "certificate", probeMax + soon},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cert, trust := certificate(t)
				var right faultnet.DialFunc
				s := judged(t, proof.Of(t, "F1"), setup{
					kafka: []kfake.Opt{kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}})},
					before: func(b *bubble) {
						right = overTLS(b.k.network.DialContext, trust)
						b.k.secure = right
						if name == "not trusted" {
							detour(overTLS(b.k.network.DialContext, x509.NewCertPool()))(b)
						}
					},
				}, func(b *bubble) {
					b.stream(20*time.Second, 3, "events")
					status := b.p.Stats().Clusters["events"]
					require.Equal(t, want.state, status.State)
					require.Contains(t, status.Reason, want.reason)
					b.proof.Bit("connection attempts of the wrong kind", b.k.link.Dials())
					detour(right)(b)
					b.resumes(want.within)
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// The brokers want SASL, which the client does not speak: they close its connections, until they
// want it no longer.
func TestVirtual_F1_ABrokerThatWantsSASLIsReachedWhenItDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strict := newEmbedded(t, 2, nil, kfake.EnableSASL(),
			kfake.Superuser("PLAIN", "admin", "secret"))
		defer strict.Close()
		s := judged(t, proof.Of(t, "F1"),
			setup{before: func(b *bubble) { detour(strict.network.DialContext)(b) }},
			func(b *bubble) {
				b.stream(20*time.Second, 3, "events")
				status := b.p.Stats().Clusters["events"]
				require.Equal(t, producer.Connecting, status.State)
				require.Contains(t, status.Reason, "SASL")
				b.proof.Bit("connection attempts without SASL", b.k.link.Dials())
				require.LessOrEqual(t, b.k.link.Dials(), int64(20*2*13))
				b.k.detour.Store(nil)
				b.k.link.Reset()
				b.resumes(soon)
			})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// A long outage of each kind: attempts are close at first, then rare, and few lines are logged.
func TestVirtual_F2_AttemptsAndLogLinesAreBoundedInALongOutageOfEachKind(t *testing.T) {
	for _, x := range troubles {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F1", "F2", "F5"),
					setup{change: func(c *producer.Config) {
						c.Priorities.Medium.DeliveryTimeout = time.Hour
					}}, func(b *bubble) {
						b.stream(time.Second, 3, "events")
						b.flush()
						b.logs.TakeAll()
						x.begin(b)
						first := b.k.link.Dials()
						b.stream(shortRange, 1, "events")
						require.LessOrEqual(t, float64(b.k.link.Dials()-first),
							shortRange.Seconds()*2*x.rate)
						require.Equal(t, producer.Down, b.p.Stats().Clusters["events"].State)
						long := b.k.link.Dials()
						b.stream(10*time.Minute, 1, "events")
						b.proof.Bit("connection attempts in ten minutes", b.k.link.Dials()-long)
						b.proof.Figure("attempts a second and broker, after 90 s", "%.2f",
							float64(b.k.link.Dials()-long)/600/2)
						require.LessOrEqual(t, b.k.link.Dials()-long, int64(600*2*2))
						b.proof.Held("I16", 2)
						b.outageEnds(x, soon+probeMax+x.slack)
						b.flush()
						time.Sleep(5 * time.Second)
						require.LessOrEqual(t, b.logs.Len(), 6, "%v", b.logs.All())
						b.proof.Held("I16", 1)
						b.proof.Figure("log lines", "%d", b.logs.Len())
						require.Equal(t, producer.Up, b.p.Stats().Clusters["events"].State)
					})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// outageEnds ends the trouble x and requires that something is delivered soon enough.
func (b *bubble) outageEnds(x trouble, within time.Duration) {
	b.t.Helper()
	before := b.p.Stats().Total.Delivered
	x.over(b)
	healed := time.Now()
	for b.p.Stats().Total.Delivered == before && time.Since(healed) < time.Minute {
		time.Sleep(time.Millisecond)
	}
	b.proof.Figure("resumed after", "%v", time.Since(healed))
	require.LessOrEqual(b.t, time.Since(healed), within)
	b.proof.Held("I10", 1)
}

func TestVirtual_F5_ResumesAfterOutagesOfEveryLength(t *testing.T) {
	for _, length := range []time.Duration{time.Second, 30 * time.Second, 80 * time.Second,
		5 * time.Minute, 24 * time.Hour} {
		t.Run(length.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F5"), setup{change: func(c *producer.Config) {
					c.Priorities.Medium.DeliveryTimeout = 48 * time.Hour
				}}, func(b *bubble) {
					within, outages := soon, 3
					if length == 24*time.Hour {
						outages = 1
					}
					if length > shortRange {
						within += probeMax
					}
					for range outages {
						b.stream(time.Second, 3, "events")
						b.flush()
						b.logs.TakeAll()
						b.k.link.Cut()
						cut := time.Now()
						for time.Since(cut) < length {
							b.send("events", 10)
							time.Sleep(length / 20)
						}
						b.outageEnds(troubles[0], within)
						b.flush()
						time.Sleep(5 * time.Second)
						require.LessOrEqual(t, b.logs.Len(), 6, "%v", b.logs.All())
						b.proof.Held("I16", 1)
					}
					b.proof.Bit("connections cut", b.k.link.Cuts())
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				if length <= 12*time.Hour { // after that brokers may have forgotten what they got
					require.Zero(t, s.Total.MaybeDuplicated)
				}
			})
		})
	}
}

// renewed reports whether a produce request has a batch of an epoch above 0: a partition has begun
// anew.
func renewed(r kmsg.Request) bool {
	for _, t := range r.(*kmsg.ProduceRequest).Topics {
		for _, p := range t.Partitions {
			if int16(binary.BigEndian.Uint16(p.Records[51:])) > 0 {
				return true
			}
		}
	}
	return false
}

// The cluster answers on the connections that it has, and no new one can be opened: what produces
// dials, and hangs.
func TestVirtual_F25_ADialThatHangsDuplicatesAndRenewsNothing(t *testing.T) {
	hang := func(ctx context.Context) { <-ctx.Done() }
	for name, wait := range map[string]func(context.Context){
		"until its context ends":    hang,
		"past the attempt deadline": func(context.Context) { time.Sleep(8 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F25"), setup{}, func(b *bubble) {
					renewals := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, When: renewed,
						Observe: true, Count: -1})
					require.NoError(t, b.p.WaitReady(context.Background()))
					time.Sleep(time.Second)
					var hung atomic.Int64
					var dial faultnet.DialFunc = func(ctx context.Context, network,
						_ string) (net.Conn, error) {
						hung.Add(1)
						wait(ctx)
						return nil, &net.OpError{Op: "dial", Net: network,
							Err: fmt.Errorf("%w: a hung dial", context.DeadlineExceeded)}
					}
					b.k.detour.Store(&dial)
					b.stream(time.Minute, 2, "events")
					require.Zero(t, b.p.Stats().Total.Delivered)
					b.proof.Bit("dials that hung", hung.Load())
					b.k.detour.Store(nil)
					time.Sleep(8 * time.Second)
					b.resumes(4 * time.Second)
					require.Zero(t, renewals.Hits(), "renewals")
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
			})
		})
	}
}
