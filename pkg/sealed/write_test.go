package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"
)

// value is what a test file has under a key, with SOPS's type.
type value struct{ key, kind, text string }

const modifiedAt = "2026-11-30T10:00:00Z"

// encryptedTo is the text as a binary .age file.
func encryptedTo(t testing.TB, text []byte, recipients ...string) []byte {
	t.Helper()
	var to []age.Recipient
	for _, r := range recipients {
		one, err := age.ParseX25519Recipient(r)
		if err != nil {
			t.Fatal(err)
		}
		to = append(to, one)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// enc is one encrypted value.
func enc(t testing.TB, key []byte, kind, text, bound string) string {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := cipher.NewGCMWithNonceSize(block, 32)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, 32)
	_, _ = rand.Read(iv) // never fails
	out := sealer.Seal(nil, iv, []byte(text), []byte(bound))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:%s]", b64(out[:len(out)-16]), b64(iv), b64(out[len(out)-16:]), kind)
}

// sopsYAML is a file of SOPS with the values at its top, encrypted to the recipient. A value without a kind stands unencrypted. more is put into how it
// is encrypted.
func sopsYAML(t testing.TB, recipient, more string, values ...value) string {
	t.Helper()
	key, sum, out := make([]byte, 32), sha512.New(), ""
	_, _ = rand.Read(key) // never fails
	only := strings.Contains(more, "mac_only_encrypted: true")
	if only {
		start, err := hex.DecodeString("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(start)
	}
	for _, v := range values {
		text := v.text
		if v.kind != "" {
			text = enc(t, key, v.kind, v.text, v.key+":")
		}
		if v.kind != "" || !only {
			sum.Write([]byte(v.text))
		}
		out += fmt.Sprintf("%s: %s\n", v.key, text)
	}
	mac := enc(t, key, "str", fmt.Sprintf("%X", sum.Sum(nil)), modifiedAt)
	indented := strings.ReplaceAll(strings.TrimSpace(armored(encryptedTo(t, key, recipient))), "\n", "\n            ")
	return out + fmt.Sprintf("sops:\n    age:\n        - recipient: %s\n          enc: |\n            %s\n    lastmodified: \"%s\"\n    mac: %s\n%s    version: 3.13.3\n", recipient, indented, modifiedAt, mac, more)
}

// identity is a new identity, and the recipient.
func identity(t testing.TB) (Identities, string) {
	t.Helper()
	private, recipient, err := Identity()
	if err != nil {
		t.Fatal(err)
	}
	with, err := ReadIdentities([]byte("# created: now\n" + private + "\n"))
	if err != nil || len(with.Recipients()) != 1 || with.Recipients()[0] != recipient {
		t.Fatal(err, with.Recipients(), recipient)
	}
	return with, recipient
}
