package sim

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"strings"

	"gopkg.in/yaml.v3"
)

// joinOrder is what a droplet's user-data tells it to do once its engine is up.
type joinOrder struct {
	Token    string
	Managers []string // private addresses, tried in turn
}

const tokenPrefix = "SWMTKN-"

// joinOf finds the order to join in a cloud-config: a file that is written as JSON and holds a join token and the managers'
// addresses, whatever its keys are called. False for any other user-data.
func joinOf(userData string) (joinOrder, bool) {
	if !strings.HasPrefix(userData, "#cloud-config") {
		return joinOrder{}, false
	}
	var config struct {
		Files []struct {
			Content  string `yaml:"content"`
			Encoding string `yaml:"encoding"`
		} `yaml:"write_files"`
	}
	if yaml.Unmarshal([]byte(userData), &config) != nil {
		return joinOrder{}, false
	}
	var o joinOrder
	for _, f := range config.Files {
		var content any
		if json.Unmarshal(decoded(f.Content, f.Encoding), &content) == nil {
			o.gather(content)
		}
	}
	return o, o.Token != "" && len(o.Managers) > 0
}

func decoded(content, encoding string) []byte {
	if encoding == "b64" || encoding == "base64" {
		if plain, err := base64.StdEncoding.DecodeString(content); err == nil {
			return plain
		}
	}
	return []byte(content)
}

// gather walks a JSON value for the token and for lists of addresses.
func (o *joinOrder) gather(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			o.gather(e)
		}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok && isAddress(s) {
				o.Managers = append(o.Managers, s)
			} else {
				o.gather(e)
			}
		}
	case string:
		if strings.HasPrefix(v, tokenPrefix) {
			o.Token = v
		}
	}
}

func isAddress(s string) bool {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	return net.ParseIP(s) != nil
}

// mentions reports whether the user-data writes the engine label.
func mentions(userData, label string) bool { return strings.Contains(userData, label) }

// hostOf takes the prefix length off an address.
func hostOf(cidr string) string {
	host, _, _ := strings.Cut(cidr, "/")
	return host
}
