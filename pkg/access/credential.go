package access

import (
	"os"
	"path/filepath"
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
