package access

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"
)

// pageTime is how long a swarmd may take to answer.
const pageTime = 30 * time.Second

// Page is the HTTP side of a swarmd that runs already.
type Page struct {
	Client *http.Client
	URL    string // "http://HOST:PORT"
	closer func()
}

// Close ends its connections.
func (p Page) Close() { p.closer() }

// Page reaches the swarmd at an address, HOST:PORT. "" is the one of the machine that DOCKER_HOST names by ssh, which listens on the port of the usual
// address at its own address in the swarm, and without ssh the usual address itself. Through ssh it is asked from its own machine.
func (a Access) Page(ctx context.Context, address, usual string) (Page, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	page := Page{Client: &http.Client{Transport: transport, Timeout: pageTime}, closer: transport.CloseIdleConnections}
	host := a.Getenv("DOCKER_HOST")
	if strings.HasPrefix(host, "ssh://") {
		dialer, err := a.dialer(host)
		if err != nil {
			return Page{}, err
		}
		transport.DialContext = dialer.DialTCP
		page.closer = func() { _ = dialer.Close() }
		if address == "" {
			address, err = a.nodeAddress(ctx, usual)
			if err != nil {
				page.Close()
				return Page{}, err
			}
		}
	}
	if address == "" {
		address = usual
	}
	page.URL = "http://" + strings.TrimPrefix(address, "http://")
	return page, nil
}

// nodeAddress is the usual port at the address that the engine's node has in the swarm.
func (a Access) nodeAddress(ctx context.Context, usual string) (string, error) {
	engine, closer, err := a.Engine(nil)
	if err != nil {
		return "", err
	}
	defer closer()
	info, err := engine.Info(ctx)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(usual)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(info.NodeAddr, port), nil
}
