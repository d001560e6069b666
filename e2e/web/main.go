// web is the service of the scenarios: it answers with its version and host name, and dies when asked to.
package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var version = "dev"

func main() {
	host, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%s %s\n", version, host) })
	mux.HandleFunc("GET /kill", func(http.ResponseWriter, *http.Request) { os.Exit(1) })
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM) // the first process of a container is not ended by a signal that it does not ask for
	go func() { <-stop; os.Exit(0) }()
	server := &http.Server{Addr: cmp.Or(os.Getenv("LISTEN"), ":8080"), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}
