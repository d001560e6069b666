package install

import (
	"context"
	"io"
	"strings"

	"github.com/swarmd/swarmd/pkg/access"
)

// readTokenPath is where a host has the token for reading.
const readTokenPath = "/etc/swarmd/read-token"

// runner runs a command on a host.
type runner interface {
	Run(ctx context.Context, command string, stdin io.Reader) ([]byte, error)
}

// readToken returns the host's token for reading. One that is there stays: somebody else may have made it, and uses it. It is the one for hosts
// without, too; if none has one, it is the state folder's. Where it is is told once.
func (in *Unit) readToken(ctx context.Context, conn runner, host string) (string, error) {
	there, err := conn.Run(ctx, "if [ -e "+readTokenPath+" ]; then cat "+readTokenPath+"; fi", nil)
	if err != nil {
		return "", err
	}
	token, place := strings.TrimSpace(string(there)), readTokenPath+" on "+host
	switch {
	case access.IsReadToken(token):
	case in.read != "":
		return in.read, nil
	default:
		if token, place, err = in.Access.ClusterReadToken(in.Spec.Cluster); err != nil {
			return "", err
		}
	}
	in.Access.Secrets.Add(token)
	if token != in.read {
		in.Say("the token that shows /status in full to other machines is in %s\n", place)
	}
	if in.read == "" {
		in.read = token
	}
	return token, nil
}
