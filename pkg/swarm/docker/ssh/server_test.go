package ssh

import (
	"path/filepath"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh/sshtest"
)

// serve starts a server and returns it with the options that reach it and log in. Its host key is not known yet.
func serve(t *testing.T, hostKeys ...xssh.Signer) (*sshtest.Server, Options) {
	t.Helper()
	user, private := sshtest.NewKey(t)
	if len(hostKeys) == 0 {
		key, _ := sshtest.NewKey(t)
		hostKeys = append(hostKeys, key)
	}
	s, dir := sshtest.Serve(t, user.PublicKey(), hostKeys...), t.TempDir()
	return s, Options{User: "ana", Host: "127.0.0.1", Port: s.Port(),
		KeyFile: sshtest.WriteKey(t, dir, private), KnownHosts: filepath.Join(dir, "ssh", "known_hosts")}
}
