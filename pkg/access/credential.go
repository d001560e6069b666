package access

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// tokenCredential is the name under which the unit gets the API token.
const tokenCredential = "digitalocean-token"

// WithCredential lets DIGITALOCEAN_TOKEN_FILE default to the credential that systemd gave to this process. The unit cannot set the variable
// itself: the specifier for the credentials' directory is younger (systemd 250) than credentials are (247).
func WithCredential(getenv func(string) string) func(string) string {
	return func(name string) string {
		value := getenv(name)
		if name != "DIGITALOCEAN_TOKEN_FILE" || value != "" || getenv("DIGITALOCEAN_TOKEN") != "" {
			return value
		}
		dir := getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return ""
		}
		file := filepath.Join(dir, tokenCredential)
		if _, err := os.Stat(file); err != nil {
			return "" // credentials of another kind: this is not our unit
		}
		return file
	}
}

// IdentityCredential is the name under which the unit gets the age identity.
const IdentityCredential = "age-key"

// identityVariable names the file with the age identity, as for SOPS.
const identityVariable = "SOPS_AGE_KEY_FILE"

// Credentials is the folder with the unit's credentials, "" for none.
func (a Access) Credentials() string { return a.Getenv("CREDENTIALS_DIRECTORY") }

// Identity reads the age identities with which encrypted files are opened: of the file that SOPS_AGE_KEY_FILE names, or of the unit's credential. No
// output may hold them.
func (a Access) Identity() ([]byte, error) {
	file := a.Getenv(identityVariable)
	if dir := a.Credentials(); file == "" && dir != "" {
		file = filepath.Join(dir, IdentityCredential)
	}
	if file == "" {
		return nil, errors.New("this swarmd has no age identity: swarmd secret-key gives it one, or " + identityVariable + " names a file with one")
	}
	data, err := os.ReadFile(file)
	if err == nil && strings.TrimSpace(string(data)) == "" { // what the unit says for a file that is missing
		err = errors.New("this swarmd has no age identity: age-keygen -o /etc/swarmd/age-key on each manager, and restart swarmd")
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			a.Secrets.Add(line)
		}
	}
	return data, nil
}

// Own are the files and folders that hold secrets of this process: no file of a cluster may have them read.
func (a Access) Own() []string {
	own := append([]string{a.Getenv("DIGITALOCEAN_TOKEN_FILE"), a.Getenv(identityVariable), a.Credentials(), a.Getenv("SWARMD_SSH_KEY"), a.SSHKey}, a.Held...)
	if dir := docker.CertPath(a.Getenv); dir != "" {
		own = append(own, filepath.Join(dir, "key.pem"))
	}
	kept, _ := filepath.Glob(a.KeptReadToken("*")) // the pattern is well-formed
	return append(own, kept...)
}
