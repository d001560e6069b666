package digitalocean

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// The deadlines of calls.
const (
	attemptTimeout = 15 * time.Second // one request with its answer
	callTimeout    = 60 * time.Second // a read with its pages and repetitions
)

// Options of a Client.
type Options struct {
	Token     string
	BaseURL   string            // "" is godo's default; from DIGITALOCEAN_API_URL
	Transport http.RoundTripper // nil: a transport of the client's own
	// Observe is told of each request that was sent: the call in words, the kind of its failure or "", how long it took. May be nil.
	Observe func(op string, kind apierr.Kind, d time.Duration)
	// Jitter returns a number in [0,1) that spreads repetitions in time. nil: a random one. Tests that replay byte for byte set it.
	Jitter func() float64
	// Common is shared with other clients of the program, which saves decoding the droplets that all of them read. nil: nothing is shared.
	Common *Common
}

// Client calls the API. It is safe for concurrent use.
type Client struct {
	api     *godo.Client
	redact  *apierr.Redactor
	observe func(op string, kind apierr.Kind, d time.Duration)
	jitter  func() float64
	listed  pages
}

// New returns a client. It sends nothing. It refuses an empty token, and a base URL that would show the token to the network.
func New(o Options) (*Client, error) {
	if err := checkToken(o.Token); err != nil {
		return nil, err
	}
	c := &Client{redact: apierr.NewRedactor(o.Token), observe: o.Observe, jitter: o.Jitter, listed: pages{common: o.Common}}
	if c.observe == nil {
		c.observe = func(string, apierr.Kind, time.Duration) {}
	}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
	opts := []godo.ClientOpt{godo.SetUserAgent("swarmd")}
	if o.BaseURL != "" {
		base, err := checkBaseURL(o.BaseURL, o.Transport != nil)
		if err != nil {
			return nil, err
		}
		opts = append(opts, godo.SetBaseURL(base))
	}
	way := newTransport(o.Token, o.Transport)
	// godo.New with no RetryConfig sends each request once; NewFromToken would send a POST up to five times.
	api, err := godo.New(&http.Client{Transport: way, CheckRedirect: noRedirect}, opts...)
	if err != nil {
		return nil, fmt.Errorf("make the DigitalOcean client: %w", err)
	}
	way.host = api.BaseURL.Host
	c.api = api
	return c, nil
}

// noRedirect makes a redirect an answer like any other: the API has none, and following one would send the token elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// checkBaseURL returns the URL with a slash at its end, as godo needs it to keep a path. Plain HTTP is for this machine and private
// networks only, unless the caller brings a transport of its own.
func checkBaseURL(raw string, ownTransport bool) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("the DigitalOcean API URL must be scheme://host[:port][/path] and nothing more")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && (ownTransport || localHost(u.Hostname())):
	default:
		return "", fmt.Errorf("the DigitalOcean API URL %s would send the token unencrypted: use https", u.Redacted())
	}
	return strings.TrimSuffix(u.String(), "/") + "/", nil
}

// localHost reports whether plain HTTP to the host stays on this machine or in a private network. The ranges for documentation
// (RFC 5737) count: nobody routes them, and the lab's public side uses them.
func localHost(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return true
	}
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"} {
		if netip.MustParsePrefix(p).Contains(a) {
			return true
		}
	}
	return false
}

// baseTransport is http.DefaultTransport's way with bounds on each phase; the whole is bounded by attemptTimeout.
func baseTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   10,
		IdleConnTimeout:       60 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: attemptTimeout,
	}
}
