package dockerd

import (
	"errors"
	"fmt"
	"net/http"
)

// apiError is a failed request as the engine answers it: a status and {"message": text}.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

// code is a gRPC code; an error that crossed the manager's control API carries its name.
type code struct {
	name   string
	status int
}

// code's values cannot be constants; these are what the engine's table of gRPC codes says.
var (
	invalidArgument    = code{"InvalidArgument", http.StatusBadRequest}
	failedPrecondition = code{"FailedPrecondition", http.StatusBadRequest}
	notFound           = code{"NotFound", http.StatusNotFound}
	alreadyExists      = code{"AlreadyExists", http.StatusConflict}
	unimplemented      = code{"Unimplemented", http.StatusNotImplemented}
	unknown            = code{"Unknown", http.StatusInternalServerError}
)

func rpcError(c code, format string, args ...any) error {
	return &apiError{c.status, "rpc error: code = " + c.name + " desc = " + fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func unavailable(text string) error { return &apiError{http.StatusServiceUnavailable, text} }

// The texts that all releases have in common.
var (
	errOutOfSequence = rpcError(unknown, "update out of sequence")
	errNoLeader      = rpcError(unknown, "The swarm does not have a leader. It's possible that too few managers are online. "+
		"Make sure more than half of the managers are online.")
	errNoSwarm    = unavailable("This node is not part of a swarm")
	errNotInSwarm = unavailable(`This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" ` +
		`to connect this node to swarm and try again.`)
	errWorker = unavailable("This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. " +
		"Please run this command on a manager node or promote the current node to a manager.")
	errPreparing = unavailable("This node is not a swarm manager. Manager is being prepared or has trouble connecting to the cluster.")
	errInSwarm   = unavailable(`This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.`)
	errJoinSlow  = unavailable("Timeout was reached before node joined. The attempt to join the swarm will continue in the background. " +
		`Use the "docker info" command to see the current swarm status of your node.`)
	errBadToken  = rpcError(invalidArgument, "A valid join token is necessary to join this cluster")
	errTokenForm = &apiError{http.StatusInternalServerError, "invalid join token"}
	errPage      = &apiError{http.StatusNotFound, "page not found"}
)

func statusOf(err error) int {
	var e *apiError
	if errors.As(err, &e) {
		return e.status
	}
	return http.StatusInternalServerError
}
