// web is the service of the scenarios: it answers with its version and host name, and dies when asked to. With an argument it is the health check of
// such a service: it ends with 0 if that answers. By its environment it is a bad version of itself, DIES_AFTER a while or SICK for ever, or it asks the
// address in FORWARD instead of answering, as a proxy in front of others does.
package main

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

var version = "dev"

func main() {
	address := cmp.Or(os.Getenv("LISTEN"), ":8080")
	if len(os.Args) > 1 {
		os.Exit(probe(address))
	}
	if after, err := time.ParseDuration(os.Getenv("DIES_AFTER")); err == nil {
		time.AfterFunc(after, func() { fmt.Fprintln(os.Stderr, "the database is gone"); os.Exit(3) })
	}
	host, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.Handle("GET /", answer(host))
	mux.HandleFunc("GET /kill", func(http.ResponseWriter, *http.Request) { os.Exit(1) })
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM) // the first process of a container is not ended by a signal that it does not ask for
	go func() { <-stop; os.Exit(0) }()
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// answer is the page of this one, or of another one. A proxy tries each address that the other's name has, and opens a connection for each request: what
// it is told to be gone it does not use.
func answer(host string) http.Handler {
	to := os.Getenv("FORWARD")
	if to == "" {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "%s %s\n", cmp.Or(os.Getenv("VERSION"), version), host)
		})
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: to})
	proxy.Transport = again{&http.Transport{DisableKeepAlives: true}}
	return proxy
}

// again sends a request that changes nothing once more, to another task, when the one that had it ended in the middle.
type again struct{ http.RoundTripper }

func (a again) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.RoundTripper.RoundTrip(r)
	if err != nil && r.Method == http.MethodGet {
		resp, err = a.RoundTripper.RoundTrip(r)
	}
	return resp, err
}

// probe is 0 if the server at the address answers.
func probe(address string) int {
	if os.Getenv("SICK") != "" {
		return 1
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + net.JoinHostPort("127.0.0.1", port(address)))
	if err != nil || resp.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
