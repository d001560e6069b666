package sealed

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// metadata is how a file of SOPS is encrypted.
type metadata struct {
	keys     []string // the data key, encrypted to each of the age recipients
	mac      string   // encrypted
	modified string   // RFC 3339; the MAC is bound to it
	onlyThem bool     // the MAC is of the encrypted values only

	suffix     string // that decides of keys, "" for none
	pattern    *regexp.Regexp
	unlessSaid bool // what the rule meets is left unencrypted, and all else is encrypted
}

// maxPattern bounds a regular expression of a file, in bytes.
const maxPattern = 1000

// plainSuffix ends the keys that SOPS leaves alone when a file says nothing else.
const plainSuffix = "_unencrypted"

// readMetadata takes files with age recipients, of which one identity is enough.
func readMetadata(how *yaml.Node) (metadata, error) {
	m, err := metadata{}, error(nil)
	var others []string
	rules := 0
	for i := 0; i+1 < len(how.Content) && err == nil; i += 2 {
		key, value := how.Content[i], how.Content[i+1]
		switch name := key.Value; {
		case name == "age":
			m.keys = encryptedKeys(value)
		case name == "key_groups" && len(value.Content) > 0, name == "shamir_threshold" && value.Value != "0" && value.Value != "":
			err = fmt.Errorf("line %d: sops.%s: the key is split between groups: swarmd opens files that one age identity opens; sops rotate with one group", key.Line, name)
		case slices.Contains([]string{"kms", "gcp_kms", "azure_kv", "hc_vault", "hckms", "pgp"}, name) && len(value.Content) > 0:
			others = append(others, fmt.Sprintf("line %d: sops.%s", key.Line, name))
		case name == "mac":
			m.mac = value.Value
		case name == "lastmodified":
			m.modified, err = modified(value)
		case name == "mac_only_encrypted":
			m.onlyThem = value.Value == "true"
		case strings.HasPrefix(name, "encrypted_"), strings.HasPrefix(name, "unencrypted_"):
			if value.Value != "" {
				rules, err = rules+1, m.rule(key.Line, name, value.Value)
			}
		}
	}
	switch {
	case err != nil:
		return m, err
	case rules > 1:
		return m, fmt.Errorf("line %d: sops: more than one rule of what is encrypted", how.Line)
	case rules == 0:
		m.suffix, m.unlessSaid = plainSuffix, true
	}
	return m, m.complete(how.Line, others)
}

// complete refuses what nobody could open, or whose values anybody could swap.
func (m metadata) complete(line int, others []string) error {
	switch {
	case len(m.keys) == 0 && len(others) > 0:
		return fmt.Errorf("%s: swarmd has none of these keys, only age identities: sops updatekeys after age: with the recipient that swarmd secret-key prints in .sops.yaml", strings.Join(others, ", "))
	case len(m.keys) == 0:
		return fmt.Errorf("line %d: sops.age: has no recipient: encrypt the file to the one that swarmd secret-key prints", line)
	case m.mac == "" || m.modified == "":
		return fmt.Errorf("line %d: sops: has no mac or lastmodified, so nobody can tell who changed it: encrypt it anew", line)
	}
	return nil
}

// encryptedKeys are the data keys of a list of recipients.
func encryptedKeys(list *yaml.Node) []string {
	var out []string
	for _, item := range list.Content {
		for i := 0; i+1 < len(item.Content); i += 2 {
			if item.Kind == yaml.MappingNode && item.Content[i].Value == "enc" && item.Content[i+1].Value != "" {
				out = append(out, item.Content[i+1].Value)
			}
		}
	}
	return out
}

// modified is the time as the MAC is bound to it.
func modified(at *yaml.Node) (string, error) {
	t, err := time.Parse(time.RFC3339, at.Value)
	if err != nil {
		return "", fmt.Errorf("line %d: sops.lastmodified: is no time", at.Line)
	}
	return t.Format(time.RFC3339), nil
}

// rule takes one of the rules of what is encrypted, all of which go by keys.
func (m *metadata) rule(line int, name, value string) (err error) {
	switch _, what, _ := strings.Cut(name, "_"); what {
	case "suffix":
		m.suffix = value
	case "regex":
		if m.pattern, err = compiled(value); err != nil {
			return fmt.Errorf("line %d: sops.%s: %w", line, name, err)
		}
	default:
		return fmt.Errorf("line %d: sops.%s: swarmd knows rules by keys only: encrypted_suffix, unencrypted_suffix, encrypted_regex, unencrypted_regex", line, name)
	}
	m.unlessSaid = strings.HasPrefix(name, "un")
	return nil
}

func compiled(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("has more than %d bytes", maxPattern)
	}
	p, err := regexp.Compile(pattern)
	if err != nil {
		return nil, errors.New("is no regular expression")
	}
	return p, nil
}

// encrypts reports whether a value that these keys lead to is encrypted.
func (m metadata) encrypts(path []string) bool {
	met := slices.ContainsFunc(path, func(key string) bool {
		if m.pattern != nil {
			return m.pattern.MatchString(key)
		}
		return strings.HasSuffix(key, m.suffix)
	})
	return met != m.unlessSaid
}
