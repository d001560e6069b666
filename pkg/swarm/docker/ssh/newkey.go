package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// NewHostKey makes the key pair of a host: the private key as a file of OpenSSH's own form, which every sshd reads (PKCS #8 only those since 9.6),
// and the public key as one line "ssh-ed25519 BASE64", without a line end. The private key is the caller's to keep out of files and logs.
func NewHostKey() (private, public string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make host key: %w", err)
	}
	block, err := xssh.MarshalPrivateKey(priv, "")
	if err != nil {
		return "", "", fmt.Errorf("make host key: %w", err)
	}
	key, err := xssh.NewPublicKey(pub)
	if err != nil {
		return "", "", fmt.Errorf("make host key: %w", err)
	}
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(xssh.MarshalAuthorizedKey(key))), nil
}
