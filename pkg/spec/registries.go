package spec

// Registry is how a registry is logged in to.
type Registry struct {
	Username string
	Password Reference
}

// Reference says where a value is that must be in no file of a revision: exactly one of its fields is set. The value is read each time that it is needed.
type Reference struct {
	File       string // an absolute path beside the daemon
	Credential string // the name of a credential of the daemon's unit, see systemd.exec(5), LoadCredential
}

// String is the reference as people know it. It never has the value.
func (r Reference) String() string {
	if r.Credential != "" {
		return "the credential " + r.Credential
	}
	return r.File
}

// DockerHub is the registry of images whose reference names none.
const DockerHub = "docker.io"
