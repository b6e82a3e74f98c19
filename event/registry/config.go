package registry

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// Config says where the registry is, and where IDs are kept. The zero Config knows no registry: IDs
// then come from the lock file alone.
type Config struct {
	// URLs are the addresses of a schema registry with Confluent's API, http:// or https://, such
	// as "https://registry:8081". If there are several, they must be of one registry: each look-up
	// begins with the one that answered last, and goes on with the next if it gets no answer. Empty
	// means none. New rejects an address with a user, a query or a fragment.
	URLs []string

	// User and Password are sent as basic authentication. Empty means none. New rejects one without
	// the other, and both together with Token.
	User     string
	Password producer.Secret

	// Token is sent as a bearer token. Empty means none.
	Token producer.Secret

	// LockFile is the path of the lock file that "forebay schema lock" has written. New reads it
	// once. Empty means none; [WithLock] has the content of an embedded one. New rejects a file
	// that cannot be read or has a mistake.
	LockFile string

	// CacheFile is the path of a file that keeps the IDs that were looked up, for the next start.
	// It is read when an ID is missing, and replaced as a whole when one was found. A file that is
	// damaged, or that has the IDs of a registry with other URLs, is ignored. Empty means none.
	CacheFile string

	// Timeout bounds each request to the registry. Zero means 5 s. New rejects negative values.
	Timeout time.Duration

	// MaxPause is the longest pause between two look-ups of a subject. The pauses are drawn between
	// zero and a bound that begins at half a second and grows by half each time, up to MaxPause.
	// Where the ID is known and is only compared with the registry, they are twenty times as long.
	// Zero means 30 s. New rejects values below 10 ms, and above an hour.
	MaxPause time.Duration
}

const (
	defaultTimeout  = 5 * time.Second
	defaultMaxPause = 30 * time.Second
	minMaxPause     = 10 * time.Millisecond
	maxMaxPause     = time.Hour
)

// complete fills in the defaults. The error has every mistake.
func (c *Config) complete() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("registry: "+format, args...))
	}
	for i, address := range c.URLs {
		if why := wrongURL(address); why != "" {
			wrong("URLs[%d]: %s", i, why)
		}
	}
	switch {
	case (c.User == "") != (c.Password == ""):
		wrong("User and Password: only one is set: set both, or neither")
	case c.User != "" && c.Token != "":
		wrong("Token: set together with User: remove one of them")
	}
	if len(c.URLs) == 0 && (c.User != "" || c.Token != "" || c.CacheFile != "") {
		wrong("URLs: not set, though User, Token or CacheFile is: write the address of the " +
			"registry, or remove them")
	}
	if c.Timeout < 0 {
		wrong("Timeout: %v: write a positive time, or 0 for %v", c.Timeout, defaultTimeout)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxPause == 0 {
		c.MaxPause = defaultMaxPause
	}
	if c.MaxPause < minMaxPause || c.MaxPause > maxMaxPause {
		wrong("MaxPause: %v: write a time from %v to %v, or 0 for %v", c.MaxPause, minMaxPause,
			maxMaxPause, defaultMaxPause)
	}
	return errors.Join(errs...)
}

// quoted returns an address for the beginning of an error, or nothing if a password may be in it.
func quoted(address string) string {
	if strings.Contains(address, "@") {
		return ""
	}
	return strconv.Quote(address) + " "
}

// wrongURL returns what is wrong with an address, or nothing. It does not repeat an address that
// may have a password.
func wrongURL(address string) string {
	const example = "write one such as https://registry:8081"
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "not an address: " + example
	case u.User != nil:
		return "has a user: set User and Password instead"
	case u.Scheme != "http" && u.Scheme != "https":
		return quoted(address) + "does not begin with http:// or https://: " + example
	case u.Hostname() == "":
		return quoted(address) + "has no host: " + example
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "has a query or a fragment: " + example
	}
	return ""
}
