// Package docker is the adapter to the Docker Engine: the words of pkg/swarm on one side, github.com/docker/docker/client on the other.
// It is the only package that imports the Docker client and its API types, so that the client can be exchanged in a day.
//
// It decides three things: what a failed call means (errors.go, one table by status code and message), what a Compose file means as a
// swarm service (convert*.go, exactly what `docker stack deploy` would send, plus our labels), and when two specifications mean the same
// (form.go). It must not decide what to do about any of it: no write is repeated, no drift judged, no object skipped because it is foreign.
//
// Every call has a deadline. Reads are repeated a little; writes never are, since a Docker write can succeed after its caller got an error.
package docker
