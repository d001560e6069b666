package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readCredential is the name under which the unit gets the token for reading /status.
const readCredential = "read-token"

// The bounds of a token for reading, characters.
const (
	leastReadToken = 16
	mostReadToken  = 256
)

// readToken returns what tells the token for reading of now: the file may be replaced. It fails if there is none in it at the start; later that
// is no token, and nobody has it. Without a file, and without the unit's credential, it is nil.
func (a *cli) readToken(file string) (func() string, error) {
	if dir := a.getenv("CREDENTIALS_DIRECTORY"); file == "" && dir != "" {
		given := filepath.Join(dir, readCredential)
		if data, err := os.ReadFile(given); err == nil && strings.TrimSpace(string(data)) != "" { // empty is what the unit says for a file that is missing
			file = given
		}
	}
	if file == "" {
		return nil, nil
	}
	if _, err := readTokenFile(file); err != nil {
		return nil, err
	}
	return func() string {
		token, err := readTokenFile(file)
		if err != nil {
			return ""
		}
		a.secrets.Add(token)
		return token
	}, nil
}

// readTokenPath is where a host has the token for reading.
const readTokenPath = "/etc/swarmd/read-token"

// runner runs a command on a host.
type runner interface {
	Run(ctx context.Context, command string, stdin io.Reader) ([]byte, error)
}

// readToken returns the host's token for reading. One that is there stays: somebody else may have made it, and uses it. It is the one for hosts
// without, too; if none has one, it is the state folder's. Where it is is told once.
func (in *unitInstaller) readToken(ctx context.Context, conn runner, host string) (string, error) {
	there, err := conn.Run(ctx, "if [ -e "+readTokenPath+" ]; then cat "+readTokenPath+"; fi", nil)
	if err != nil {
		return "", err
	}
	token, place := strings.TrimSpace(string(there)), readTokenPath+" on "+host
	switch {
	case isReadToken(token):
	case in.read != "":
		return in.read, nil
	default:
		if token, place, err = in.app.clusterReadToken(in.spec.Cluster); err != nil {
			return "", err
		}
	}
	in.app.secrets.Add(token)
	if token != in.read {
		printf(in.app.out, "the token that shows /status in full to other machines is in %s\n", place)
	}
	if in.read == "" {
		in.read = token
	}
	return token, nil
}

func isReadToken(s string) bool {
	return len(s) >= leastReadToken && len(s) <= mostReadToken && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func readTokenFile(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, mostReadToken+2))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	if !isReadToken(token) {
		return "", fmt.Errorf("%s: a token for reading is %d to %d printable characters on one line", file, leastReadToken, mostReadToken)
	}
	return token, nil
}

// clusterReadToken returns the cluster's token for reading from the state folder, made if there is none, and its path.
func (a *cli) clusterReadToken(cluster string) (token, path string, err error) {
	path = filepath.Join(a.stateDir(), cluster+".read-token")
	token, err = readTokenFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, path, err
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails, see crypto/rand
	token = hex.EncodeToString(random)
	if err := os.MkdirAll(a.stateDir(), 0o700); err != nil {
		return "", path, err
	}
	return token, path, os.WriteFile(path, []byte(token+"\n"), 0o600)
}
