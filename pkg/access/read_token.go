package access

import (
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

// ReadCredential is the name under which the unit gets the token for reading /status.
const ReadCredential = "read-token"

// The bounds of a token for reading, characters.
const (
	leastReadToken = 16
	mostReadToken  = 256
)

// ReadToken returns what tells the token for reading of now: the file may be replaced. It fails if there is none in it at the start; later that
// is no token, and nobody has it. Without a file, and without the unit's credential, it is nil.
func (a Access) ReadToken(file string) (func() string, error) {
	if dir := a.Getenv("CREDENTIALS_DIRECTORY"); file == "" && dir != "" {
		given := filepath.Join(dir, ReadCredential)
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
		a.Secrets.Add(token)
		return token
	}, nil
}

// IsReadToken reports whether the text can be a token for reading.
func IsReadToken(s string) bool {
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
	if !IsReadToken(token) {
		return "", fmt.Errorf("%s: a token for reading is %d to %d printable characters on one line", file, leastReadToken, mostReadToken)
	}
	return token, nil
}

// KeptReadToken is the file in the state folder for the cluster's token for reading.
func (a Access) KeptReadToken(cluster string) string {
	return filepath.Join(a.StateDir(), cluster+".read-token")
}

// ClusterReadToken returns the cluster's token for reading from the state folder, made if there is none, and its path.
func (a Access) ClusterReadToken(cluster string) (token, path string, err error) {
	path = a.KeptReadToken(cluster)
	token, err = readTokenFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, path, err
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails, see crypto/rand
	token = hex.EncodeToString(random)
	if err := os.MkdirAll(a.StateDir(), 0o700); err != nil {
		return "", path, err
	}
	return token, path, os.WriteFile(path, []byte(token+"\n"), 0o600)
}
