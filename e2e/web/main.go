// web is the service of the scenarios: it answers with its version and host name, and dies when asked to.
package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"time"
)

var version = "dev"

func main() {
	host, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%s %s\n", version, host) })
	mux.HandleFunc("GET /kill", func(http.ResponseWriter, *http.Request) { os.Exit(1) })
	server := &http.Server{Addr: cmp.Or(os.Getenv("LISTEN"), ":8080"), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}
