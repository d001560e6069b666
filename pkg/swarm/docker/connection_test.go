package docker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// info is an engine that only tells its version.
func info(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	if strings.HasSuffix(r.URL.Path, "/info") {
		fmt.Fprint(w, `{"ServerVersion":"20.10.24","Swarm":{"NodeID":"n1","LocalNodeState":"active","ControlAvailable":true,"Cluster":{"ID":"c1"}}}`)
	}
}

func requireInfo(t *testing.T, o Options) {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.EngineVersion != "20.10.24" || got.NodeID != "n1" || !got.ControlAvail || got.ClusterID != "c1" || got.LocalState != "active" {
		t.Fatalf("%+v", got)
	}
}

func TestUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(info)}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close() })
	requireInfo(t, Options{Host: "unix://" + socket})
}

func TestPlainTCP(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(info))
	defer srv.Close()
	requireInfo(t, Options{Host: "tcp://" + srv.Listener.Addr().String()})
}

func TestTLS(t *testing.T) {
	dir, pair, pool := certificates(t)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(info))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	srv.StartTLS()
	defer srv.Close()
	host := "tcp://" + srv.Listener.Addr().String()
	requireInfo(t, Options{Host: host, TLSVerify: true, CertPath: dir})
	// Known to the server, but it does not know the server.
	other, _, _ := certificates(t)
	for _, name := range []string{"cert.pem", "key.pem"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(other, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	requireInfo(t, Options{Host: host, CertPath: other})
	for _, o := range []Options{{Host: host}, {Host: host, TLSVerify: true, CertPath: other}} {
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Info(t.Context()); err == nil {
			t.Errorf("%+v got through", o)
		}
		c.Close()
	}
	if _, err := New(Options{Host: host, CertPath: t.TempDir()}); err == nil {
		t.Error("a folder without certificates is fine")
	}
}

// certificates makes a folder with one self-signed certificate as ca.pem, cert.pem and key.pem.
func certificates(t *testing.T) (string, tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "engine"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	files := map[string][]byte{"ca.pem": cert, "cert.pem": cert, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})}
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(cert, files["key.pem"])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return dir, pair, pool
}

func TestHostsThatCannotBe(t *testing.T) {
	for _, host := range []string{"ssh://", "ssh://a:b@c", "no-scheme"} {
		_, err := New(Options{Host: host})
		if err == nil || !strings.HasPrefix(host, "ssh:") && !strings.Contains(err.Error(), "write unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST") {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestOptionsFromEnv(t *testing.T) {
	env := map[string]string{"DOCKER_HOST": "ssh://ana@h:23", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c", "HOME": "/home/ana"}
	o := OptionsFromEnv(func(k string) string { return env[k] })
	if o.Host != "ssh://ana@h:23" || !o.TLSVerify || o.CertPath != "/c" || o.SSH.KnownHosts != "/home/ana/.ssh/known_hosts" {
		t.Fatalf("%+v", o)
	}
	if _, err := New(o); err != nil {
		t.Fatal(err)
	}
}

// TestWhoAsksForTLSGetsIt: without DOCKER_CERT_PATH the certificates are where Docker's command has them, and without certificates nothing is sent in clear.
func TestWhoAsksForTLSGetsIt(t *testing.T) {
	home := t.TempDir()
	for name, c := range map[string]struct {
		env  map[string]string
		path string
	}{
		"home":     {map[string]string{"DOCKER_TLS_VERIFY": "1"}, filepath.Join(home, ".docker")},
		"a folder": {map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "/d"}, "/d"},
		"said":     {map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "/d", "DOCKER_CERT_PATH": "/c"}, "/c"},
		"no TLS":   {map[string]string{"DOCKER_CONFIG": "/d"}, ""},
	} {
		c.env["HOME"], c.env["DOCKER_HOST"] = home, "tcp://127.0.0.1:2376"
		o := OptionsFromEnv(func(k string) string { return c.env[k] })
		if o.CertPath != c.path {
			t.Errorf("%s: certificates in %q, want %q", name, o.CertPath, c.path)
		}
		_, err := New(o)
		if plain := c.path == ""; plain != (err == nil) || !plain && !strings.Contains(err.Error(), filepath.Join(c.path, "ca.pem")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
