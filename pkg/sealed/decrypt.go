package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// encForm is an encrypted value.
var encForm = regexp.MustCompile(`^ENC\[AES256_GCM,data:([^,]+),iv:([^,]+),tag:([^,]+),type:([a-z]+)\]$`)

func encrypted(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && encForm.MatchString(n.Value) }

// macOfThem begins the MAC that is of the encrypted values only: SHA-256 of "sops". So it is never the MAC of all.
const macOfThem = "8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69"

// errMAC is of a file that was changed without its key.
var errMAC = errors.New("its MAC is of other values: it was changed without sops, or put together of two files; restore it, or encrypt it anew")

// open decrypts one value, and checks that no value of the file is another than it was encrypted with.
func (s *sopsFile) open(key string, with Identities) ([]byte, error) {
	at, err := s.value(key)
	if err != nil {
		return nil, err
	}
	values, err := s.decrypt(with)
	return values[at], err
}

// decrypt decrypts all values.
func (s *sopsFile) decrypt(with Identities) (map[*yaml.Node][]byte, error) {
	block, err := s.dataKey(with)
	if err != nil {
		return nil, err
	}
	values, sum := map[*yaml.Node][]byte{}, sha512.New()
	if s.meta.onlyThem {
		start, _ := hex.DecodeString(macOfThem) // it is hex
		sum.Write(start)
	}
	err = s.leaves(func(l leaf) error {
		if !l.encrypted {
			if s.meta.onlyThem {
				return nil
			}
			return addPlain(sum, l.node)
		}
		value, kind, err := decryptValue(block, l.node.Value, strings.Join(l.path, ":")+":")
		if err == nil {
			values[l.node], err = shown(value, kind)
		}
		if err == nil && kind != "comment" {
			err = add(sum, value, kind)
		}
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", l.node.Line, dotted(l.path), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	mac, _, err := decryptValue(block, s.meta.mac, s.meta.modified)
	if err != nil || subtle.ConstantTimeCompare(mac, fmt.Appendf(nil, "%X", sum.Sum(nil))) != 1 {
		return nil, errMAC
	}
	return values, nil
}

// dataKey is the key of the values, which one of the recipients opens.
func (s *sopsFile) dataKey(with Identities) (cipher.Block, error) {
	err := error(ErrIdentity)
	for _, enc := range s.meta.keys {
		file, bad := unarmored([]byte(enc))
		if bad != nil {
			err = bad
			continue
		}
		key, bad := open(file, with)
		if bad != nil {
			if !errors.Is(bad, ErrIdentity) {
				err = bad
			}
			continue
		}
		if len(key) != 32 {
			return nil, errDamaged
		}
		return aes.NewCipher(key)
	}
	return nil, fmt.Errorf("sops.age: %w", err)
}

// errValue is of a value that the key does not open, whatever it is.
var errValue = errors.New("is damaged, or was moved here from another place: restore the file, or encrypt it anew")

// decryptValue is a value and its type. bound is what it is bound to: the keys that lead to it.
func decryptValue(block cipher.Block, text, bound string) (value []byte, kind string, err error) {
	if text == "" {
		return nil, "str", nil // SOPS leaves it so
	}
	parts := encForm.FindStringSubmatch(text)
	if parts == nil {
		return nil, "", errValue
	}
	var data [3][]byte
	for i := range data {
		if data[i], err = base64.StdEncoding.DecodeString(parts[i+1]); err != nil {
			return nil, "", errValue
		}
	}
	if len(data[1]) == 0 || len(data[2]) != 16 {
		return nil, "", errValue
	}
	sealer, err := cipher.NewGCMWithNonceSize(block, len(data[1]))
	if err == nil {
		value, err = sealer.Open(nil, data[1], append(data[0], data[2]...), []byte(bound))
	}
	if err != nil {
		return nil, "", errValue
	}
	return value, parts[4], nil
}

// shown is a decrypted value as a program reads it. No error repeats it.
func shown(value []byte, kind string) ([]byte, error) {
	switch kind {
	case "str", "bytes", "int", "float", "time", "comment":
		return value, nil
	case "bool":
		return bytes.ToLower(value), nil
	}
	return nil, fmt.Errorf("has a type that swarmd does not know (%.20s)", kind)
}

// add puts a decrypted value into the MAC, numbers as SOPS writes them.
func add(sum hash.Hash, value []byte, kind string) error {
	text, err := string(value), error(nil)
	switch kind {
	case "int":
		var n int
		n, err = strconv.Atoi(text)
		text = strconv.Itoa(n)
	case "float":
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		text = strconv.FormatFloat(f, 'f', -1, 64)
	case "bool":
		var b bool
		b, err = strconv.ParseBool(text)
		text = boolean(b)
	}
	sum.Write([]byte(text))
	if err != nil {
		return errValue // the library's repeats the value
	}
	return nil
}

// addPlain puts a value that stands unencrypted into the MAC.
func addPlain(sum hash.Hash, n *yaml.Node) error {
	var value any
	if err := n.Decode(&value); err != nil {
		return fmt.Errorf("line %d: is no value of YAML", n.Line)
	}
	switch v := value.(type) {
	case string:
		sum.Write([]byte(v))
	case bool:
		sum.Write([]byte(boolean(v)))
	case float64:
		sum.Write([]byte(strconv.FormatFloat(v, 'f', -1, 64)))
	case time.Time:
		text, _ := v.MarshalText() // it fails for years of five digits only, and then the MAC is none
		sum.Write(text)
	default:
		_, _ = fmt.Fprint(sum, v)
	}
	return nil
}

func boolean(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
