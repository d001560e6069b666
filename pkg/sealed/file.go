package sealed

import (
	"bytes"
	"errors"
	"fmt"
)

// MaxText is the most of an encrypted file, in bytes.
const MaxText = 500_000

// File is an encrypted file whose form is understood. Nothing of it is decrypted.
type File struct {
	age  []byte // of a plain .age file: it as it is, not armored
	sops *sopsFile
}

// errPlain is of a file that anybody can read.
var errPlain = errors.New("it is not encrypted: what is named here travels with every revision; age -r RECIPIENT -o FILE.age, or sops, encrypt it to the recipient that swarmd secret-key prints")

// Read takes an encrypted file: .age, armored or binary, or one of SOPS, of which the name's ending says how it is written (.json, .env, else
// YAML). A file of SOPS in which a value stands unencrypted that its own rules do not except is none. The errors are for people, without a path.
func Read(name string, text []byte) (*File, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("it has more than %d bytes", MaxText)
	}
	if isAge(text) {
		plain, err := unarmored(text)
		if err != nil {
			return nil, err
		}
		return &File{age: plain}, checkHeader(plain)
	}
	s, err := readSOPS(name, text)
	if err != nil {
		return nil, err
	}
	return &File{sops: s}, nil
}

// Text is an encrypted file as text can carry it: the same, but a binary .age file is armored. The error says why it must not be carried.
func Text(name string, data []byte) (string, error) {
	f, err := Read(name, data)
	if err != nil {
		return "", err
	}
	if f.age != nil {
		return armored(f.age), nil
	}
	return string(data), nil
}

// Sealed is the encrypted text of one value: another value has another. key is the value's place in a file of SOPS, "" for a .age file. The errors
// say what the file has instead.
func (f *File) Sealed(key string) ([]byte, error) {
	switch {
	case f.age != nil && key != "":
		return nil, errors.New("an .age file is one value: take the key out")
	case f.age != nil:
		return f.age, nil
	}
	return f.sops.sealed(key)
}

// Open decrypts one value.
func (f *File) Open(key string, with Identities) ([]byte, error) {
	if _, err := f.Sealed(key); err != nil {
		return nil, err
	}
	if f.age != nil {
		return open(f.age, with)
	}
	return f.sops.open(key, with)
}

// Looks reports whether a text is encrypted, or has a value that is, whatever else is wrong with it.
func Looks(text []byte) bool { return isAge(text) || bytes.Contains(text, []byte("ENC[AES256_GCM,")) }

func isAge(text []byte) bool {
	return bytes.HasPrefix(text, []byte(ageIntro)) || bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte(armorHeader))
}
