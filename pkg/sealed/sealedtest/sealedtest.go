// Package sealedtest writes encrypted files for tests, as age and SOPS write them.
package sealedtest

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
	"filippo.io/age/armor"
)

// Value is what a file has under a key at its top, with SOPS's type: str, int, float or bool. One without a type stands unencrypted.
type Value struct{ Key, Type, Text string }

// Modified is when the files of SOPS say that they were written.
const Modified = "2026-11-30T10:00:00Z"

// Age is the text as a binary .age file.
func Age(t testing.TB, text []byte, recipients ...string) []byte {
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

// YAML is a file of SOPS with the values, encrypted to the recipient. more is put into how it is encrypted: lines with four blanks before each.
func YAML(t testing.TB, recipient, more string, values ...Value) string {
	t.Helper()
	s := newSOPS(t, recipient, strings.Contains(more, "mac_only_encrypted: true"), values)
	out := ""
	for _, v := range s.values {
		out += fmt.Sprintf("%s: %s\n", v.Key, v.Text)
	}
	indented := strings.ReplaceAll(strings.TrimSpace(s.key), "\n", "\n            ")
	return out + fmt.Sprintf("sops:\n    age:\n        - recipient: %s\n          enc: |\n            %s\n    lastmodified: \"%s\"\n    mac: %s\n%s    version: 3.13.3\n", recipient, indented, Modified, s.mac, more)
}

// Env is the same as lines NAME=value.
func Env(t testing.TB, recipient string, values ...Value) string {
	t.Helper()
	s := newSOPS(t, recipient, false, values)
	out := ""
	for _, v := range s.values {
		out += v.Key + "=" + v.Text + "\n"
	}
	return out + fmt.Sprintf("sops_age__list_0__map_enc=%s\nsops_age__list_0__map_recipient=%s\nsops_lastmodified=%s\nsops_mac=%s\nsops_unencrypted_suffix=_unencrypted\nsops_version=3.13.3\n",
		strings.ReplaceAll(s.key, "\n", `\n`), recipient, Modified, s.mac)
}

// sops is what a file of SOPS has, in whatever form.
type sops struct {
	values []Value // encrypted
	key    string  // of the values, as an armored .age file
	mac    string
}

// newSOPS encrypts the values. With only the MAC is of the encrypted ones alone.
func newSOPS(t testing.TB, recipient string, only bool, values []Value) sops {
	t.Helper()
	key, sum, s := make([]byte, 32), sha512.New(), sops{}
	_, _ = rand.Read(key) // never fails
	if only {
		start, err := hex.DecodeString("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(start)
	}
	for _, v := range values {
		if v.Type != "" || !only {
			sum.Write([]byte(v.Text))
		}
		if v.Type != "" {
			v.Text = encrypted(t, key, v.Type, v.Text, v.Key+":")
		}
		s.values = append(s.values, v)
	}
	s.mac = encrypted(t, key, "str", fmt.Sprintf("%X", sum.Sum(nil)), Modified)
	var out strings.Builder
	w := armor.NewWriter(&out)
	if _, err := w.Write(Age(t, key, recipient)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.key = out.String()
	return s
}

// encrypted is one value, bound to the keys that lead to it.
func encrypted(t testing.TB, key []byte, kind, text, bound string) string {
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
