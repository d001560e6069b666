package lab

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// addKey makes a key pair and registers it with the API, so that a file that names its fingerprint can be bootstrapped over ssh.
func (l *Lab) addKey(context.Context) error {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make ssh key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "swarmd lab")
	if err != nil {
		return fmt.Errorf("make ssh key: %w", err)
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		return fmt.Errorf("make ssh key: %w", err)
	}
	path, line := filepath.Join(l.opts.Dir, "id_ed25519"), ssh.MarshalAuthorizedKey(sshPub)
	err = errors.Join(os.WriteFile(path, pem.EncodeToMemory(block), 0o600), os.WriteFile(path+".pub", line, 0o644))
	if err != nil {
		return fmt.Errorf("write ssh key: %w", err)
	}
	key, err := l.Cloud.AddSSHKey("swarmd lab", string(line))
	if err != nil {
		return fmt.Errorf("register ssh key: %w", err)
	}
	l.status.SSHKeyFile, l.status.SSHKeyID = path, key.Fingerprint
	return nil
}
