package file

import (
	"path"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
)

// The folders beside swarmd, on each manager. Root fills them: what lies in one, links included, is meant for what the folder is for. Whoever edits the
// file chooses the paths in it, so nothing else of a machine is sent to a service or a registry.
const (
	besideFolder     = "/etc/swarmd"
	secretsFolder    = besideFolder + "/secrets"
	registriesFolder = besideFolder + "/registries"

	// registryCredential begins the names of the unit's credentials that are for one registry alone: registry-docker.io.
	registryCredential = "registry-"
)

// NotForService is why a value beside swarmd is for no service, "" if it may be for one.
func NotForService(ref spec.Reference) string {
	switch only := onlyFor(ref.Credential); {
	case only != "":
		return "it is for the registry " + only + " alone, as its name says: give the unit another credential for the service"
	case ref.Credential != "" || within(path.Clean(ref.File), secretsFolder):
		return ""
	}
	return "what services may have lies below " + secretsFolder + ": put it there on each manager, or a link to it (ln -s " + ref.File + " " + secretsFolder + "/), and name that"
}

// NotForRegistry is why a value beside swarmd is no password for the registry, "" if it may be one.
func NotForRegistry(host string, ref spec.Reference) string {
	at, own := path.Clean(ref.File), path.Join(registriesFolder, host)
	switch only := onlyFor(ref.Credential); {
	case only != "" && only != host:
		why := "it is for the registry " + only + " alone, as its name says: "
		if strings.Contains(host, ":") { // no credential can be called so
			return why + "the password of " + host + " lies in " + own + " on each manager: name that file"
		}
		return why + "give the unit one for " + host + " (LoadCredential=" + registryCredential + host + ":" + own + ")"
	case ref.Credential != "" || at == own:
		return ""
	case within(at, secretsFolder), within(at, registriesFolder), !within(at, besideFolder):
		return "the password of this registry lies in " + own + ": put it there on each manager, or a link to it (ln -s " + ref.File + " " + own + "), and name that"
	}
	return ""
}

// onlyFor is the registry that a credential is for alone, by its name; "" for one that is for whatever the file says. What cannot be a registry's name, as
// in registry-password, is none's.
func onlyFor(credential string) (registry string) {
	host, begins := strings.CutPrefix(credential, registryCredential)
	if !begins {
		return ""
	}
	registry, _ = registryOf(host)
	return registry
}

// IsBeside reports whether a file is a value beside swarmd, which is never part of a revision.
func IsBeside(at string) bool {
	at = path.Clean(at)
	return within(at, secretsFolder) || within(at, registriesFolder)
}

// warnBeside warns of a value that no swarmd reads, since the file names it for what it is not meant for. It is no fault: a revision that was accepted before
// there was the rule stays readable.
func (w *walker) warnBeside(n *node, why func(spec.Reference) string) {
	file, credential := n.child("file"), n.child("credential")
	switch {
	case file != nil && path.IsAbs(file.text):
		if text := why(spec.Reference{File: file.text}); text != "" {
			w.warn(file, "no swarmd reads it: %s", text)
		}
	case credential != nil:
		if text := why(spec.Reference{Credential: credential.text}); text != "" {
			w.warn(credential, "no swarmd reads it: %s", text)
		}
	}
}

// warnPassword warns of a password that the registry is not shown, or that is shown to whatever registry the file names it for.
func (w *walker) warnPassword(host string, n *node) {
	w.warnBeside(n, func(ref spec.Reference) string { return NotForRegistry(host, ref) })
	file, own := n.child("file"), path.Join(registriesFolder, host)
	if file != nil && path.Clean(file.text) != own && NotForRegistry(host, spec.Reference{File: file.text}) == "" {
		w.warn(file, "whoever edits this file can have this password, in a registry or a config of their own: in %s on each manager it is for %s alone", own, host)
	}
}
