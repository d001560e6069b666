package docker

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// rule gives a kind to the errors with this code (0: any) whose text contains this, in lower case; a star stands for anything in between.
type rule struct {
	code int
	text string
	kind apierr.Kind
}

func (r rule) matches(code int, message string) bool {
	if r.code != 0 && r.code != code {
		return false
	}
	for part := range strings.SplitSeq(r.text, "*") {
		_, rest, found := strings.Cut(message, part)
		if !found {
			return false
		}
		message = rest
	}
	return true
}

// rules is the one place where the engine's texts are matched: its status codes mislead. "update out of sequence" and "no leader" are a 500,
// the quorum safeguard is a 400 like a really bad spec. The first match counts. testdata/errors.json has what real engines answered.
func rules() []rule {
	return []rule{
		{0, "update out of sequence", apierr.Conflict},
		{0, "does not have a leader", apierr.NoLeader},
		{0, "this node is not a swarm manager", apierr.NotManager}, // 503; where a network is asked for 500 (20.10) or 403 (since 26.1)
		{403, "network from a worker node", apierr.NotManager},
		{503, "this node is not part of a swarm", apierr.NotManager},
		{503, "swarm is encrypted and needs to be unlocked", apierr.NotManager},
		{503, "already part of a swarm", apierr.Precondition},
		{503, "attempting to leave the swarm on a node that is participating as a manager", apierr.Precondition},
		{0, "is not down and can't be removed", apierr.Precondition},
		{0, "is a cluster manager and is a member of the raft cluster", apierr.Precondition},
		{0, "attempting to demote the last manager", apierr.Precondition},
		{0, "would result in a loss of quorum", apierr.Precondition},
		{400, "in use by the following service", apierr.Precondition},
		{0, "is in use by service", apierr.Precondition},
		{400, "code = failedprecondition", apierr.Precondition},
		{500, "cannot assign requested address", apierr.Invalid},
		{500, "constraint expected one operator", apierr.Invalid},
		{500, "key '*' is invalid", apierr.Invalid},
		{500, "invalid cidr address", apierr.Invalid},
		{500, "network *not found", apierr.NotFound},
		{501, "", apierr.Invalid},
		{409, "", apierr.Conflict},
		{404, "", apierr.NotFound},
		{401, "", apierr.Unauthorized},
		{429, "", apierr.RateLimited},
		{403, "", apierr.Forbidden},
		{400, "", apierr.Invalid},
	}
}

// classify gives a failed call its kind. For a write, whatever the table does not know is Unknown: it may have had its effect.
func classify(op string, write bool, x exchange, err error) *apierr.Error {
	e := &apierr.Error{Side: "swarm", Op: op, Code: x.status, Err: cause(err)}
	switch {
	case x.status >= 400:
		e.Kind = kindOf(x.status, e.Err.Error(), write)
	case x.refused():
		e.Kind = apierr.Unavailable
	case !x.tried && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		e.Kind = apierr.Invalid // the Docker client itself refused to send it
	case write:
		e.Kind = apierr.Unknown
	default:
		e.Kind = apierr.Unavailable
	}
	return e
}

// kindOf looks an answer up in the table.
func kindOf(code int, message string, write bool) apierr.Kind {
	if i := firstMatch(code, message); i >= 0 {
		return rules()[i].kind
	}
	if write {
		return apierr.Unknown
	}
	return apierr.Unavailable
}

// firstMatch is the index of the rule that decides, -1 if none knows the answer.
func firstMatch(code int, message string) int {
	message = strings.ToLower(message)
	return slices.IndexFunc(rules(), func(r rule) bool { return r.matches(code, message) })
}

// cause is the error to keep: the context's own as it is, so that errors.Is finds it; otherwise the engine's message and nothing else.
func cause(err error) error {
	for _, sentinel := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, sentinel) {
			return sentinel
		}
	}
	return errors.New(text(err))
}

// textLimit bounds an error's text, in bytes: a proxy in between may answer with a page.
const textLimit = 600

// text is the engine's message without what the client wraps around it.
func text(err error) string {
	s := strings.TrimPrefix(err.Error(), "Error response from daemon: ")
	s = strings.TrimPrefix(s, "rpc error: code = Unknown desc = ")
	if len(s) > textLimit {
		s = strings.ToValidUTF8(s[:textLimit], "") + "…"
	}
	return s
}
