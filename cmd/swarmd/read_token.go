package main

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

// readCredential is the name under which the unit gets the token for reading /status.
const readCredential = "read-token"

// The bounds of a token for reading, characters.
const (
	leastReadToken = 16
	mostReadToken  = 256
)

// readToken returns what tells the token for reading of now: the file may be replaced. It fails if there is none in it at the start; later that
// is no token, and nobody has it. Without a file, and without the unit's credential, it is nil.
func (a *app) readToken(file string) (func() string, error) {
	if dir := a.getenv("CREDENTIALS_DIRECTORY"); file == "" && dir != "" {
		if _, err := os.Stat(filepath.Join(dir, readCredential)); err == nil {
			file = filepath.Join(dir, readCredential)
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
	if len(token) < leastReadToken || len(token) > mostReadToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", fmt.Errorf("%s: a token for reading is %d to %d printable characters on one line", file, leastReadToken, mostReadToken)
	}
	return token, nil
}

// clusterReadToken returns the cluster's token for reading from the state folder, made if there is none, and its path.
func (a *app) clusterReadToken(cluster string) (token, path string, err error) {
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
