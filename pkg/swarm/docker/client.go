package docker

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/swarmd/swarmd/internal/sem"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

// Options say which engine to talk to and how.
type Options struct {
	// Host is the engine as DOCKER_HOST names it: unix:///path, tcp://host:port, or ssh://[user@]host[:port].
	// "" is the default socket of the platform.
	Host string
	// SSH is how to log in to an ssh host; user, host and port come from Host.
	SSH ssh.Options
	// TLSVerify and CertPath are DOCKER_TLS_VERIFY and DOCKER_CERT_PATH: with a CertPath the connection is TLS with ca.pem, cert.pem and
	// key.pem of that folder; without TLSVerify the server's certificate is not checked, as in Docker's own client.
	TLSVerify bool
	CertPath  string
	// HTTP replaces the connection, for tests: only its Transport is used.
	HTTP *http.Client
	// Dial replaces the dialer. Network and address are those of Host; with an ssh host they mean nothing.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Observe is told of each finished call: its name (a bounded set), how it ended ("" is well) and how long it took.
	Observe func(op string, kind apierr.Kind, took time.Duration)
	// Jitter returns numbers in [0,1) that spread the reconnections of the event stream. nil: random ones. A run that is to be replayed
	// byte for byte sets it.
	Jitter func() float64
	// Common is shared with other clients of the program, which saves decoding what all of them read. What they return must not be changed by
	// anybody then. nil: nothing is shared.
	Common *Common
}

// OptionsFromEnv reads DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, and for an ssh host where the user's agent, keys and
// known_hosts are.
func OptionsFromEnv(getenv func(string) string) Options {
	return Options{
		Host:      getenv("DOCKER_HOST"),
		TLSVerify: getenv("DOCKER_TLS_VERIFY") != "",
		CertPath:  CertPath(getenv),
		SSH:       ssh.Defaults(getenv),
	}
}

// CertPath is the folder of the certificates: DOCKER_CERT_PATH, or Docker's own folder where DOCKER_TLS_VERIFY is set, as Docker's command has it. Who
// asks for TLS never gets a connection without it.
func CertPath(getenv func(string) string) string {
	if path := getenv("DOCKER_CERT_PATH"); path != "" || getenv("DOCKER_TLS_VERIFY") == "" {
		return path
	}
	return cmp.Or(getenv("DOCKER_CONFIG"), filepath.Join(getenv("HOME"), ".docker"))
}

// Client talks to one engine. It is safe for concurrent use.
type Client struct {
	api         *client.Client
	transport   http.RoundTripper
	scheme      string // of requests over tcp
	tunnel      io.Closer
	observe     func(string, apierr.Kind, time.Duration)
	jitter      func() float64
	negotiated  atomic.Bool // the API version is settled
	negotiating *sem.Mutex

	// What these reads said last.
	nodes    listMemory[api.Node, []swarm.Node]
	tasks    listMemory[swarm.Task, []swarm.Task]
	leaving  listMemory[swarm.Task, []swarm.Task] // on nodes that are to leave
	ended    listMemory[swarm.Task, []swarm.Task]
	networks listMemory[network.Inspect, []swarm.Network]
	services listMemory[api.Service, []api.Service]
	cluster  memory[swarm.Cluster]
	info     memory[swarm.Info]
	stored   listMemory[api.Config, []api.Config] // all of them
	listed   listMemory[api.Config, []api.Config] // whatever the prefix: the same bytes are the same configs

	mu      sync.Mutex
	names   map[string]string     // network id → name, as it was listed last
	hidden  map[string]time.Time  // networks that no list shows → when their name was asked for
	configs map[string]string     // config id → name, likewise
	live    map[string]understood // by id, as they were listed last
}

// New prepares a client. It sends nothing: the first call connects and settles the API version.
func New(o Options) (*Client, error) {
	conn, err := connectionOf(o)
	if err != nil {
		return nil, fmt.Errorf("docker host %q: %w", o.Host, err)
	}
	rec := &recorder{base: conn.transport}
	engine, err := client.NewClientWithOpts(
		client.WithHost(conn.host), // must come before WithHTTPClient: it wants to configure a transport of its own
		client.WithHTTPClient(&http.Client{Transport: rec, CheckRedirect: client.CheckRedirect}),
		client.WithScheme(conn.scheme),
		client.WithAPIVersionNegotiation(),
		client.WithTraceOptions(otelhttp.WithFilter(func(*http.Request) bool { return false })), // nobody reads the spans
	)
	if err != nil {
		return nil, fmt.Errorf("docker host %q: %w", o.Host, err)
	}
	c := &Client{api: engine, transport: conn.transport, scheme: conn.scheme, tunnel: conn.tunnel, observe: o.Observe, jitter: o.Jitter,
		negotiating: sem.New(), names: map[string]string{}, hidden: map[string]time.Time{}, configs: map[string]string{}}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
	c.info.part = ourInfo
	c.share(o.Common)
	return c, nil
}

// Close drops idle connections, and with an ssh host the one below them. Calls under way end on their own.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	if c.tunnel != nil {
		_ = c.tunnel.Close() // nothing is left to do about a connection that would not close
	}
}

// negotiate agrees with the engine on an API version, once and before anything else is sent: two first calls side by side would
// otherwise meet on the client's own mutex for as long as the engine takes to answer. It has a deadline of its own: a caller without one, such as
// the event stream, would keep all others waiting for ever when the engine accepts a connection and says nothing.
func (c *Client) negotiate(ctx context.Context, op string) error {
	if err := c.negotiating.Lock(ctx, op); err != nil {
		return err
	}
	defer c.negotiating.Unlock()
	if c.negotiated.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	ping, err := c.api.Ping(ctx)
	if err != nil {
		return err
	}
	c.api.NegotiateAPIVersionPing(ping)
	c.negotiated.Store(true)
	return nil
}
