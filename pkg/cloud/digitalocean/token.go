package digitalocean

import (
	"errors"
	"fmt"
	"strings"
)

// The environment variables that hold the token or name the file that does.
const (
	tokenVar     = "DIGITALOCEAN_TOKEN"
	tokenFileVar = "DIGITALOCEAN_TOKEN_FILE"
)

// TokenFromEnv returns the API token from DIGITALOCEAN_TOKEN or from the file that DIGITALOCEAN_TOKEN_FILE names. Neither set is
// no error and no token; both set is an error, because one of them would silently not count.
func TokenFromEnv(getenv func(string) string, readFile func(string) ([]byte, error)) (string, error) {
	token, file := strings.TrimSpace(getenv(tokenVar)), getenv(tokenFileVar)
	switch {
	case token != "" && file != "":
		return "", fmt.Errorf("both %s and %s are set: unset one", tokenVar, tokenFileVar)
	case file == "" && token == "":
		return "", nil
	case file == "":
		return token, checkToken(token)
	}
	data, err := readFile(file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", tokenFileVar, err)
	}
	token = strings.TrimSpace(string(data))
	return token, checkToken(token)
}

// checkToken refuses what cannot be sent in a header. The error does not show the token.
func checkToken(token string) error {
	if token == "" {
		return errors.New("the DigitalOcean token is empty")
	}
	for _, c := range []byte(token) {
		if c <= ' ' || c >= 0x7f {
			return errors.New("the DigitalOcean token has a blank, a line break or a character outside ASCII in it")
		}
	}
	return nil
}
