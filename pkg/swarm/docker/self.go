package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/deploy"
	own "github.com/swarmd/swarmd/pkg/swarm"
)

// Self is what swarmd's own service is made of.
type Self struct {
	Cluster    string
	Image      string
	APIURL     string // of the cloud, "" for the real one
	SecretID   string // of the Docker secret with the API token
	SecretName string
	ReadID     string // of the Docker secret with the token for reading /status, "" for none
	IdentityID string // of the Docker secret with the age identity, "" for none
	Memory     int64  // bytes that it may have

	DenyHostAccess bool // it holds services that would be root on the machines
}

// SelfName is the name of swarmd's own service. It is not in the stack's name space: no service of the file can take it.
func SelfName(cluster string) string { return "swarmd-" + cluster }

// TokenSecret is the name of the Docker secret with the cloud's API token where a person makes it; bootstrap appends which token it is.
func TokenSecret(cluster string) string { return "swarmd." + cluster + ".token" }

// TokenSecretOf is the name of the secret with this token. A secret cannot be changed nor read back: another token is another secret, and the
// name says which one is there. Four bytes of a hash tell nothing about a token of 256 random bits.
func TokenSecretOf(cluster, token string) string {
	sum := sha256.Sum256([]byte(TokenSecret(cluster) + "\x00" + token))
	return TokenSecret(cluster) + "." + hex.EncodeToString(sum[:4])
}

// IsTokenSecret reports whether the name is that of a secret with a token of the cluster.
func IsTokenSecret(cluster, name string) bool {
	return name == TokenSecret(cluster) || strings.HasPrefix(name, TokenSecret(cluster)+".")
}

// ReadSecret is the name of the Docker secret with the token for reading /status.
func ReadSecret(cluster string) string { return "swarmd." + cluster + ".read-token" }

// IdentitySecret is the name of the Docker secret with the age identity that opens the file's encrypted secrets.
func IdentitySecret(cluster string) string { return "swarmd." + cluster + ".age-key" }

// identityFile is the name of its file, among the container's secrets.
const identityFile = "age-key"

// ReadsIdentity reports whether swarmd's own service is given that secret.
func ReadsIdentity(s own.ServiceSpec, cluster string) bool {
	return slices.Contains(s.Secrets, IdentitySecret(cluster))
}

// WithIdentity is swarmd's own service, as it is, with that secret, which has the id.
func WithIdentity(s own.ServiceSpec, cluster, id string) (own.ServiceSpec, error) {
	var spec swarm.ServiceSpec
	if err := json.Unmarshal(s.Base.Raw(), &spec); err != nil || spec.TaskTemplate.ContainerSpec == nil {
		return own.ServiceSpec{}, fmt.Errorf("swarmd's own service cannot be read: %w", err)
	}
	giveIdentity(spec.TaskTemplate.ContainerSpec, cluster, id)
	return specOf(spec, nil)
}

func giveIdentity(box *swarm.ContainerSpec, cluster, id string) {
	box.Env = append(box.Env, "SOPS_AGE_KEY_FILE=/run/secrets/"+identityFile)
	box.Secrets = append(box.Secrets, secretFile(id, IdentitySecret(cluster), identityFile))
}

// SelfService is swarmd as a global service on the managers, so that Swarm itself keeps one on each: the host's network (it
// serves metrics on the private address and needs no overlay to work), the engine's socket, the token as a secret file, nothing
// else: no capability, no writable file system. The new task never runs beside the old one.
func SelfService(s Self) (own.ServiceSpec, error) {
	env := []string{"DIGITALOCEAN_TOKEN_FILE=/run/secrets/digitalocean-token", "DOCKER_HOST=unix:///var/run/docker.sock", "GOMEMLIMIT=" + deploy.GoMemoryLimit(s.Memory)}
	if s.APIURL != "" {
		env = append(env, "DIGITALOCEAN_API_URL="+s.APIURL)
	}
	args := []string{"run", "--cluster", s.Cluster, "--listen", "node:9810"}
	secrets := []*swarm.SecretReference{secretFile(s.SecretID, s.SecretName, "digitalocean-token")}
	if s.ReadID != "" {
		args = append(args, "--read-token-file", "/run/secrets/read-token")
		secrets = append(secrets, secretFile(s.ReadID, ReadSecret(s.Cluster), "read-token"))
	}
	if s.DenyHostAccess {
		args = append(args, "--"+deploy.DenyHostAccess)
	}
	stop := 12 * time.Second
	one := uint64(1)
	spec := swarm.ServiceSpec{
		Annotations: swarm.Annotations{Name: SelfName(s.Cluster), Labels: map[string]string{
			own.LabelCluster: s.Cluster, own.LabelComponent: "swarmd", own.LabelImage: s.Image,
		}},
		TaskTemplate: swarm.TaskSpec{
			ContainerSpec: &swarm.ContainerSpec{
				Image: s.Image, Args: args, Env: env, User: "0:0",
				ReadOnly: true, CapabilityDrop: []string{"ALL"}, StopGracePeriod: &stop,
				Mounts:  []mount.Mount{{Type: mount.TypeBind, Source: "/var/run/docker.sock", Target: "/var/run/docker.sock"}},
				Secrets: secrets,
			},
			Resources: &swarm.ResourceRequirements{Limits: &swarm.Limit{MemoryBytes: s.Memory}},
			Placement: &swarm.Placement{Constraints: []string{"node.role==manager"}},
			Networks:  []swarm.NetworkAttachmentConfig{{Target: "host"}},
		},
		Mode:         swarm.ServiceMode{Global: &swarm.GlobalService{}},
		UpdateConfig: &swarm.UpdateConfig{Parallelism: one, Order: swarm.UpdateOrderStopFirst, FailureAction: swarm.UpdateFailureActionPause},
	}
	if s.IdentityID != "" {
		giveIdentity(spec.TaskTemplate.ContainerSpec, s.Cluster, s.IdentityID)
	}
	out, err := specOf(spec, nil)
	if err != nil {
		return own.ServiceSpec{}, fmt.Errorf("swarmd's own service: %w", err)
	}
	return out, nil
}

// DeniesHostAccess reports whether swarmd's own service is started so.
func DeniesHostAccess(s own.ServiceSpec) bool {
	var spec swarm.ServiceSpec
	if json.Unmarshal(s.Base.Raw(), &spec) != nil || spec.TaskTemplate.ContainerSpec == nil {
		return false
	}
	return slices.Contains(spec.TaskTemplate.ContainerSpec.Args, "--"+deploy.DenyHostAccess)
}

// secretFile is a secret as a file that only root can read.
func secretFile(id, name, file string) *swarm.SecretReference {
	return &swarm.SecretReference{SecretID: id, SecretName: name, File: &swarm.SecretReferenceFileTarget{Name: file, UID: "0", GID: "0", Mode: 0o400}}
}
