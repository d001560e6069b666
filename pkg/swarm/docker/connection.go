package docker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

// connection is how requests reach the engine.
type connection struct {
	host      string // as the Docker client wants it
	scheme    string // of the requests: "http" or "https"
	transport http.RoundTripper
	tunnel    io.Closer // of an ssh host, otherwise nil
}

// sshHost stands in for an ssh:// host, which the Docker client does not know: it only shows in the Host header.
const sshHost = "http://engine.ssh"

func connectionOf(o Options) (connection, error) {
	host := o.Host
	if host == "" {
		host = client.DefaultDockerHost
	}
	conn := connection{host: host, scheme: "http"}
	if strings.HasPrefix(host, "ssh://") {
		if o.Dial == nil && o.HTTP == nil {
			to, err := o.SSH.ParseHost(host)
			if err != nil {
				return connection{}, err
			}
			tunnel := ssh.NewDialer(to)
			o.Dial, conn.tunnel = tunnel.DialDocker, tunnel
		}
		host, conn.host = sshHost, sshHost
	}
	if o.HTTP != nil {
		conn.transport = o.HTTP.Transport
		return conn, nil
	}
	url, err := client.ParseHostURL(host)
	if err != nil {
		return connection{}, fmt.Errorf("%w: write unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST", err)
	}
	t := &http.Transport{MaxIdleConns: 16, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, DisableCompression: true}
	t.DialContext = dialer(o, url.Scheme, url.Host)
	if o.CertPath != "" && url.Scheme == "tcp" {
		if t.TLSClientConfig, err = tlsConfig(o); err != nil {
			return connection{}, err
		}
		conn.scheme = "https"
	}
	conn.transport = t
	return conn, nil
}

// dialer connects to the host of the options whatever address the request names: for a unix socket that one is made up.
func dialer(o Options, network, addr string) func(context.Context, string, string) (net.Conn, error) {
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	}
	if network != "unix" {
		network = "tcp"
	}
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, network, addr) }
}

func tlsConfig(o Options) (*tls.Config, error) {
	ca, err := os.ReadFile(filepath.Join(o.CertPath, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("TLS is asked for: %w: put ca.pem, cert.pem and key.pem there, or name their folder in DOCKER_CERT_PATH", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("no certificate in %s", filepath.Join(o.CertPath, "ca.pem"))
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(o.CertPath, "cert.pem"), filepath.Join(o.CertPath, "key.pem"))
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{pair}, InsecureSkipVerify: !o.TLSVerify}, nil
}
