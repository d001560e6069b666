package file

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/swarmd/swarmd/pkg/spec"
)

// maxRegistries bounds the registries: each look reads the password of every one.
const maxRegistries = 32

// registries takes how registries are logged in to.
func registries(w *walker, n *node) any {
	login := object{known: map[string]rule{
		"username": doc("who logs in", lineText),
		"password": doc("where the password or token is, which is read each time that it is needed and never part of a revision", secretReference),
	}, required: []string{"username", "password"}}
	check := entries(registryHost(), login.rule)
	if n == nil {
		return check(nil, nil)
	}
	values := check(w, n)
	taken := map[string]string{}
	for _, f := range n.fields {
		host, wrong := registryOf(f.key)
		switch {
		case wrong != "" && registryHost().holds(f.key):
			w.faultAt(f.at[0], f.at[1], f.value.place, "no image can name this registry: %s", wrong)
		case taken[host] != "":
			w.faultAt(f.at[0], f.at[1], f.value.place, "%s and %s are the same registry", quote(taken[host]), quote(f.key))
		}
		taken[host] = f.key
		if password := f.value.child("password"); wrong == "" && password != nil && !w.isOurs(password) {
			w.warnPassword(host, password)
		}
	}
	return values
}

// registryHost is how a registry is named in a reference of an image.
func registryHost() charset {
	return charset{lower + digits + "[", lower + digits + ".-:[]", 255, "the host of a registry as images name it, such as registry.example or registry.example:5000"}
}

// registryOf is the registry that images of this host are in, as Docker reads references, or why no image can be.
func registryOf(host string) (name, wrong string) {
	if host == "registry-1.docker.io" {
		return "", "write " + spec.DockerHub + " for Docker Hub"
	}
	named, err := reference.ParseNormalizedNamed(host + "/team/app")
	if err != nil {
		return "", err.Error()
	}
	name = reference.Domain(named)
	if name == spec.DockerHub && !strings.Contains(host, spec.DockerHub) {
		return "", "without a dot or a port it is a user of Docker Hub"
	}
	return name, ""
}

// secretReference takes where a value is that must not be in the file.
func secretReference(w *walker, n *node) any {
	one := object{known: map[string]rule{
		"file":       doc("a file on each manager: "+registriesFolder+"/HOST, which is for that registry alone, or another one below "+besideFolder, absolute),
		"credential": doc("the name of a systemd credential of swarmd's unit (LoadCredential=), on each manager; "+registryCredential+"HOST is for that registry alone", word(credentialName())),
	}}
	if n == nil {
		return one.shape()
	}
	if n.kind == kindText {
		w.fault(n, "a password does not belong into this file, which the store keeps: say { file: PATH } or { credential: NAME }")
		return nil
	}
	values, ok := one.rule(w, n).(map[string]any)
	if !ok {
		return nil
	}
	said := slices.DeleteFunc(slices.Sorted(maps.Keys(one.known)), func(key string) bool { return n.child(key) == nil })
	switch {
	case len(said) == 0 && len(n.fields) == 0:
		w.lacks(n, "say where it is: { file: PATH } or { credential: NAME }")
	case len(said) > 1:
		w.lacks(n.child(said[1]), "%s exclude each other", strings.Join(said, " and "))
	}
	return values
}

// credentialName is what systemd takes for a credential's name, a little narrower.
func credentialName() charset {
	return charset{letters + digits, letters + digits + "._-", 200, "letters, digits, dots, dashes and underscores, a letter or digit first"}
}

// PasswordFiles are the files with the passwords of the file's registries. What is wrong with it is for Parse to tell.
func PasswordFiles(data []byte) (files []string) {
	if !bytes.Contains(data, []byte("registries")) {
		return nil
	}
	w := newWalker("", data)
	root := w.filledIn(data)
	if root == nil {
		return nil
	}
	for _, f := range root.fieldsOf("registries") {
		if password := f.value.child("password"); password != nil {
			for _, at := range scalars(password.child("file")) {
				files = append(files, at.text)
			}
		}
	}
	return files
}

// logins are the registries of decoded values.
func logins(values map[string]any) map[string]spec.Registry {
	out := map[string]spec.Registry{}
	for key := range values {
		login := section(values, key)
		where := section(login, "password")
		if host, wrong := registryOf(key); wrong == "" {
			out[host] = spec.Registry{Username: str(login, "username"), Password: spec.Reference{File: str(where, "file"), Credential: str(where, "credential")}}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
