package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// How age's files begin.
const (
	ageIntro    = "age-encryption.org/v1\n"
	armorHeader = armor.Header
)

// Identities are the private keys that open files.
type Identities struct{ all []age.Identity }

// Identity is a new private key, AGE-SECRET-KEY-1…, and the recipient to which files are encrypted for it, age1….
func Identity() (private, recipient string, err error) {
	made, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", err
	}
	return made.String(), made.Recipient().String(), nil
}

// ReadIdentities takes what age-keygen writes: a private key a line, and comments. Its errors do not repeat what stands there.
func ReadIdentities(text []byte) (Identities, error) {
	all, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil || len(all) == 0 {
		return Identities{}, errors.New("it holds no age identity: one line AGE-SECRET-KEY-1… each, as age-keygen writes them")
	}
	return Identities{all}, nil
}

// Recipients are the public keys of the identities, in their order.
func (i Identities) Recipients() []string {
	var out []string
	for _, one := range i.all {
		switch one := one.(type) {
		case *age.X25519Identity:
			out = append(out, one.Recipient().String())
		case *age.HybridIdentity:
			out = append(out, one.Recipient().String())
		}
	}
	return out
}

// unarmored is a .age file in its binary form.
func unarmored(text []byte) ([]byte, error) {
	if bytes.HasPrefix(text, []byte(ageIntro)) {
		return text, nil
	}
	plain, err := io.ReadAll(armor.NewReader(bytes.NewReader(text)))
	if err != nil {
		return nil, errors.New("its armor is damaged, or its end is missing: encrypt it anew")
	}
	return plain, nil
}

// armored is a .age file as text.
func armored(file []byte) string {
	var out bytes.Buffer
	w := armor.NewWriter(&out)
	_, _ = w.Write(file) // a buffer takes everything
	_ = w.Close()
	return out.String()
}

// checkHeader refuses a file that no identity of ours can open.
func checkHeader(file []byte) error {
	header, err := age.ExtractHeader(bytes.NewReader(file))
	if err != nil {
		return errors.New("its header is damaged, or its end is missing: encrypt it anew")
	}
	var kinds []string
	for line := range strings.Lines(string(header)) {
		if stanza, ok := strings.CutPrefix(line, "-> "); ok {
			kinds = append(kinds, strings.Fields(stanza + " ?")[0])
		}
	}
	if !slices.ContainsFunc(kinds, func(k string) bool { return k == "X25519" || k == "mlkem768x25519" }) {
		return fmt.Errorf("it is encrypted to no age recipient (%.40q): age -r RECIPIENT, where swarmd secret-key prints the recipient", strings.Join(kinds, ", "))
	}
	return nil
}

// open decrypts a binary .age file.
func open(file []byte, with Identities) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(file), with.all...)
	var none *age.NoIdentityMatchError
	switch {
	case len(with.all) == 0 || errors.As(err, &none):
		return nil, ErrIdentity
	case err != nil:
		return nil, errDamaged
	}
	value, err := io.ReadAll(r)
	if err != nil {
		return nil, errDamaged
	}
	return value, nil
}

var errDamaged = errors.New("it is damaged, or its end is missing: encrypt it anew")

// ErrIdentity is of a file that is encrypted to others.
var ErrIdentity = errors.New("it is encrypted to none of swarmd's recipients: encrypt it to the one that swarmd secret-key prints")
