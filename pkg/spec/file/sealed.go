package file

import (
	"path"
	"slices"

	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/spec"
)

// secret takes what tasks find as a file and nobody reads back. Its value is never in the file: it is encrypted, or beside the daemon.
func secret(w *walker, n *node) any {
	declared := object{known: map[string]rule{
		"file": doc("an encrypted file, relative to this one, which apply and the watched file take along: .age, or SOPS with age recipients; "+
			"or an absolute path below "+secretsFolder+", on each manager, of which nothing is ever part of a revision", filePath),
		"key":             doc("which value of an encrypted file of SOPS it is: db.password, users.0.password", lineText),
		"credential":      doc("the credential of swarmd's unit with the value, on each manager (systemd: LoadCredential)", word(credentialName())),
		"name":            byDefault("CLUSTER_KEY", doc("its name in the swarm, to which swarmd adds a keyed hash of its content, unless it is external", word(objectName()))),
		"labels":          doc("labels of the secret", labels),
		"external":        byDefault("false", doc("it is made by somebody else, under its own name", external)),
		"template_driver": templateDriver(),
	}, other: laterOption("content", "environment", "driver", "driver_opts")}
	if n == nil {
		return declared.shape()
	}
	values, ok := declared.rule(w, n).(map[string]any)
	if !ok || w.settleObject(n, values, "file", "key", "credential") {
		return values
	}
	file, key, credential := n.child("file"), n.child("key"), n.child("credential")
	switch {
	case !slices.ContainsFunc([]string{"file", "credential", "content", "environment", "driver"}, func(key string) bool { return n.child(key) != nil }):
		w.lacks(n, "has no content: name an encrypted file, a file that is on each manager, a credential of swarmd's unit, or say external: true")
	case file != nil && credential != nil:
		w.lacks(credential, "file and credential exclude each other")
	case key != nil && (file == nil || path.IsAbs(file.text)):
		w.lacks(key, "belongs to an encrypted file beside this one: name that with file")
	case w.isOurs(n):
	case credential != nil, file != nil && path.IsAbs(file.text):
		w.warnBeside(n, NotForService)
	case file != nil && values["file"] != nil:
		values["sealed"] = w.sealed(file, key)
	}
	return values
}

// isOurs refuses a value that is one of swarmd's own. Nobody may get it who edits the file: no service, and no registry for a password.
func (w *walker) isOurs(n *node) (refused bool) {
	const own = "is swarmd's own, and no service or registry may have it"
	if file := n.child("file"); file != nil && IsOwn(file.text) {
		w.lacks(file, "%s %s", shown(file, file.text), own)
		return true
	}
	if credential := n.child("credential"); credential != nil && slices.Contains(ownCredentials(), credential.text) {
		w.lacks(credential, "this credential %s", own)
		return true
	}
	return false
}

// ownCredentials are what swarmd itself is given, by whichever way: the API token, the token for reading, the age identity.
func ownCredentials() []string { return []string{"digitalocean-token", "read-token", "age-key"} }

// IsOwn reports whether swarmd has its own secrets at the path, as a service or as a unit. See isOurs.
func IsOwn(at string) bool {
	at = path.Clean(at)
	if at == "/etc/swarmd/token" || at == "/etc/swarmd/read-token" || at == "/etc/swarmd/age-key" {
		return true
	}
	return within(at, "/run/secrets") || within(at, "/run/credentials") || within(at, "/proc") || within(at, "/dev/fd")
}

// sealed is the encrypted text that the file names, if the value is one of it.
func (w *walker) sealed(file, key *node) any {
	f := w.readSealed(file)
	switch {
	case f.file == nil && f.err == nil:
		return nil // it did not come along, which is said
	case f.err != nil:
		w.lacks(file, "%s cannot be taken: %s", shown(file, file.text), f.err)
		return nil
	}
	at, which := file, ""
	if key != nil {
		at, which = key, key.text
	}
	if _, err := f.file.Sealed(which); err != nil {
		w.lacks(at, "%s: %s", shown(file, file.text), err)
		return nil
	}
	return f.text
}

// sealedFile is an encrypted file, or why it is none.
type sealedFile struct {
	text string
	file *sealed.File
	err  error
}

// readSealed reads each of the encrypted files once: many secrets may be of one, and share its text.
func (w *walker) readSealed(at *node) sealedFile {
	key := fileKey(w.sources.of(at.line).folder, at.text)
	if f, ok := w.sealedFiles[key]; ok {
		return f
	}
	text, _, ok := w.textOf(at, secretText)
	if !ok {
		return sealedFile{}
	}
	f := sealedFile{text: text}
	f.file, f.err = sealed.Read(at.text, []byte(text))
	if w.sealedFiles == nil {
		w.sealedFiles = map[string]sealedFile{}
	}
	w.sealedFiles[key] = f
	return f
}

// sealedText is an encrypted file as a revision can carry it. What is not encrypted is never taken along.
func sealedText(name string, data []byte) ([]byte, error) {
	text, err := sealed.Text(name, data)
	return []byte(text), err
}

// composeSecret is composeObject of a secret.
func composeSecret(values map[string]any) composetypes.FileObjectConfig {
	out := composeObject(values)
	out.Extras = map[string]any{}
	for key, in := range map[string]string{spec.SealedKey: "sealed", spec.SealedOf: "key", spec.CredentialKey: "credential"} {
		if value := str(values, in); value != "" {
			out.Extras[key] = value
		}
	}
	return out
}
