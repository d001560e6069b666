// web is the service of the scenarios: it answers with its version and host name, and dies when asked to. With an argument it is the health check of
// such a service: it ends with 0 if that answers.
package main

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
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
	host, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%s %s\n", version, host) })
	mux.HandleFunc("GET /kill", func(http.ResponseWriter, *http.Request) { os.Exit(1) })
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM) // the first process of a container is not ended by a signal that it does not ask for
	go func() { <-stop; os.Exit(0) }()
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// probe is 0 if the server at the address answers.
func probe(address string) int {
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + net.JoinHostPort("127.0.0.1", port(address)))
	if err != nil || resp.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
