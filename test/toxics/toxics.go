// Package toxics puts a proxy that can spoil connections before each broker of a cluster.
package toxics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/rs/zerolog/log"
)

// Some toxics log to the global logger.
func init() { log.Logger = zerolog.Nop() }

// Proxies is a dialer through toxiproxies in this process, one for each broker. What is added to a
// proxy spoils its connections, those that are open too. It is safe for concurrent use.
type Proxies struct {
	proxies map[string]*proxy // by the address of the broker; fixed by New
	named   atomic.Int64      // numbers toxics, which need names
}

type proxy struct {
	*toxiproxy.Proxy
	dials, broken, read, written atomic.Int64
}

// Traffic counts what went through Proxies.
type Traffic struct {
	Dials   int64 // connection attempts
	Broken  int64 // connections that ended otherwise than by the client's own will
	Read    int64 // bytes that the client got
	Written int64 // bytes that the client wrote
}

// New starts a proxy without toxics for each broker, on a free port of loopback. Close ends
// them.
func New(brokers ...string) (*Proxies, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	x := &Proxies{proxies: make(map[string]*proxy)}
	for _, addr := range brokers {
		p := &proxy{Proxy: toxiproxy.NewProxy(server, addr, "127.0.0.1:0", addr)}
		if err := p.Start(); err != nil {
			x.Close()
			return nil, fmt.Errorf("start the proxy of %s: %w", addr, err)
		}
		x.proxies[addr] = p
	}
	return x, nil
}

// Close ends all proxies and the connections through them.
func (x *Proxies) Close() {
	for _, p := range x.proxies {
		p.Toxics.ResetToxics(context.Background())
		p.Stop()
	}
}

// Dial opens a connection to a broker through its proxy. It fails for addresses that are not those
// of a broker.
func (x *Proxies) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	p := x.proxies[addr]
	if p == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s has no proxy", addr)}
	}
	p.dials.Add(1)
	c, err := new(net.Dialer).DialContext(ctx, network, p.Listen)
	if err != nil {
		return nil, err
	}
	return &counted{Conn: c, proxy: p}, nil
}

// Add adds a toxic to the proxies of brokers, or of all if none is named.
func (x *Proxies) Add(toxic Toxic, brokers ...string) error {
	for _, p := range x.of(brokers) {
		for _, stream := range toxic.streams {
			text, err := json.Marshal(map[string]any{
				"name": fmt.Sprint(x.named.Add(1)), "type": toxic.kind, "stream": stream,
				"attributes": toxic.attributes,
			})
			if err != nil {
				return err
			}
			if _, err := p.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
				return fmt.Errorf("add %s to the proxy of %s: %w", toxic.kind, p.Upstream, err)
			}
		}
	}
	return nil
}

// Clear removes all toxics from the proxies of brokers, or of all if none is named.
func (x *Proxies) Clear(brokers ...string) {
	for _, p := range x.of(brokers) {
		p.Toxics.ResetToxics(context.Background())
	}
}

// Traffic returns what went through the proxies of brokers, or of all if none is named, so far.
func (x *Proxies) Traffic(brokers ...string) (sum Traffic) {
	for _, p := range x.of(brokers) {
		sum.Dials += p.dials.Load()
		sum.Broken += p.broken.Load()
		sum.Read += p.read.Load()
		sum.Written += p.written.Load()
	}
	return sum
}

// Since returns what is in t and was not yet in before.
func (t Traffic) Since(before Traffic) Traffic {
	return Traffic{t.Dials - before.Dials, t.Broken - before.Broken, t.Read - before.Read,
		t.Written - before.Written}
}

func (x *Proxies) of(brokers []string) (found []*proxy) {
	for addr, p := range x.proxies {
		named := len(brokers) == 0
		for _, b := range brokers {
			named = named || b == addr
		}
		if named {
			found = append(found, p)
		}
	}
	return found
}

// Toxic is something that a proxy does to the bytes of a connection, in both directions unless it
// is made one-way.
type Toxic struct {
	kind       string
	streams    []string
	attributes map[string]any
}

const (
	upstream   = "upstream"
	downstream = "downstream"
)

func newToxic(kind string, attributes map[string]any) Toxic {
	return Toxic{kind: kind, streams: []string{upstream, downstream}, attributes: attributes}
}

// Up returns the toxic for what the client sends only.
func (t Toxic) Up() Toxic { t.streams = []string{upstream}; return t }

// Down returns the toxic for what the broker sends only.
func (t Toxic) Down() Toxic { t.streams = []string{downstream}; return t }

// Latency delays everything by delay, give or take up to jitter.
func Latency(delay, jitter time.Duration) Toxic {
	return newToxic("latency", map[string]any{"latency": delay.Milliseconds(),
		"jitter": jitter.Milliseconds()})
}

// Bandwidth lets so many kilobytes a second through.
func Bandwidth(kilobytes int) Toxic {
	return newToxic("bandwidth", map[string]any{"rate": kilobytes})
}

// Slicer cuts everything into packets of about size bytes, with a pause after each.
func Slicer(size int, pause time.Duration) Toxic {
	return newToxic("slicer", map[string]any{"average_size": size, "size_variation": size / 2,
		"delay": pause.Microseconds()})
}

// Hole lets nothing through and keeps connections open. They are closed when it is removed, for
// what was sent meanwhile is gone.
func Hole() Toxic { return newToxic("timeout", map[string]any{"timeout": 0}) }

// Hangup accepts connections and closes them (FIN) after a moment without a word.
func Hangup(after time.Duration) Toxic {
	return newToxic("timeout", map[string]any{"timeout": max(after.Milliseconds(), 1)})
}

// ResetPeer resets a connection (RST) as soon as something is sent.
func ResetPeer() Toxic { return newToxic("reset_peer", map[string]any{"timeout": 0}) }

// SlowClose has closed connections stay for a while.
func SlowClose(delay time.Duration) Toxic {
	return newToxic("slow_close", map[string]any{"delay": delay.Milliseconds()})
}

// LimitData closes a connection after so many bytes, wherever in a frame that is.
func LimitData(bytes int) Toxic { return newToxic("limit_data", map[string]any{"bytes": bytes}) }

// counted is a connection whose bytes are counted, and whether it was broken.
type counted struct {
	net.Conn
	proxy *proxy
	over  atomic.Bool // by the client's own will, or counted as broken
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.proxy.read.Add(int64(n))
	c.note(err)
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.proxy.written.Add(int64(n))
	c.note(err)
	return n, err
}

func (c *counted) note(err error) {
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	if !c.over.Swap(true) {
		c.proxy.broken.Add(1)
	}
}

func (c *counted) Close() error {
	c.over.Store(true)
	return c.Conn.Close()
}
