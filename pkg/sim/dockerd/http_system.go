package dockerd

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/registry"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"
)

const kernel = "6.1.0-sim"

func ping(*call) (answer, error) { return ok("OK") }

func getVersion(c *call) (answer, error) {
	d := c.engine.world.dialect
	v := types.Version{
		Version: d.version, APIVersion: d.api, MinAPIVersion: d.minAPI, GitCommit: d.commit,
		GoVersion: d.golang, Os: "linux", Arch: "amd64", KernelVersion: kernel, BuildTime: d.built,
	}
	v.Components = []types.ComponentVersion{{Name: "Engine", Version: d.version, Details: map[string]string{
		"ApiVersion": v.APIVersion, "Arch": v.Arch, "BuildTime": v.BuildTime, "Experimental": "false", "GitCommit": v.GitCommit,
		"GoVersion": v.GoVersion, "KernelVersion": v.KernelVersion, "MinAPIVersion": v.MinAPIVersion, "Os": v.Os,
	}}}
	return ok(v)
}

// varying is what may change of what an engine says of itself, but for the time.
type varying struct {
	swarm   api.Info
	labels  []string
	running int
	cpus    int
	memory  int64
}

func getInfo(c *call) (answer, error) {
	e := c.engine
	if e.told.body == nil || e.told.changes != e.world.changes {
		if err := e.describe(varying{e.swarmInfo(), e.labelList(), e.running(), e.config.NCPU, e.config.MemoryBytes}); err != nil {
			return answer{}, err
		}
	}
	return e.tell()
}

// info is all that an engine says of itself, at no time.
func (e *Engine) info(v varying) *system.Info {
	o := e.world.opt
	return &system.Info{
		ID: fmt.Sprintf("%X:%s", o.Seed, e.config.Name), Name: e.config.Name, Labels: v.labels,
		NCPU: v.cpus, MemTotal: v.memory, ServerVersion: e.world.dialect.version, Swarm: v.swarm, SystemTime: anyTime,
		Driver: "overlay2", DriverStatus: [][2]string{{"Backing Filesystem", "extfs"}}, DockerRootDir: "/var/lib/docker",
		LoggingDriver: "json-file", CgroupDriver: "cgroupfs", CgroupVersion: "1", DefaultRuntime: "runc", InitBinary: "docker-init",
		Runtimes:      map[string]system.RuntimeWithStatus{"runc": {Runtime: system.Runtime{Path: "runc"}}},
		KernelVersion: kernel, OperatingSystem: "Debian GNU/Linux 12 (bookworm)", OSVersion: "12", OSType: "linux", Architecture: "x86_64",
		IndexServerAddress: "https://index.docker.io/v1/", RegistryConfig: registryConfig(),
		SecurityOptions: []string{"name=seccomp,profile=default"},
		Plugins: system.PluginsInfo{
			Volume: []string{"local"}, Log: []string{"json-file", "local"},
			Network: []string{"bridge", "host", "ipvlan", "macvlan", "null", "overlay"},
		},
		CDISpecDirs: []string{},
		MemoryLimit: true, SwapLimit: true, CPUCfsPeriod: true, CPUCfsQuota: true, CPUShares: true, CPUSet: true, PidsLimit: true,
		IPv4Forwarding: true, OomKillDisable: true,
		Warnings: append([]string{}, v.swarm.Warnings...), Containers: v.running, ContainersRunning: v.running,
	}
}

func registryConfig() *registry.ServiceConfig {
	return &registry.ServiceConfig{
		InsecureRegistryCIDRs: []*registry.NetIPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}},
		IndexConfigs: map[string]*registry.IndexInfo{
			"docker.io": {Name: "docker.io", Mirrors: []string{}, Secure: true, Official: true},
		},
		Mirrors: []string{},
	}
}

func (e *Engine) labelList() []string {
	out := []string{}
	for k, v := range e.labels {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

func (e *Engine) running() int {
	count := 0
	if e.cluster != nil {
		for _, t := range e.cluster.ordered {
			count += btoi(t.NodeID == e.nodeID && t.Status.State == api.TaskStateRunning)
		}
	}
	return count
}

func (e *Engine) swarmInfo() api.Info {
	info := api.Info{LocalNodeState: api.LocalNodeStateInactive, NodeID: e.nodeID, NodeAddr: e.advertise}
	switch {
	case e.joining != nil:
		info.LocalNodeState, info.NodeAddr = api.LocalNodeStatePending, e.address(e.joining.AdvertiseAddr)
		info.RemoteManagers = []api.Peer{{Addr: e.joining.RemoteAddrs[0]}}
		return info
	case e.cluster == nil:
		return info
	}
	info.LocalNodeState = api.LocalNodeStateActive
	for _, m := range e.cluster.members {
		info.RemoteManagers = append(info.RemoteManagers, api.Peer{NodeID: m.nodeID, Addr: m.addr})
	}
	if e.cluster.member(e.nodeID) == nil {
		return info
	}
	info.ControlAvailable = true
	c, err := e.manager()
	if err != nil {
		info.Error, info.Cluster = err.Error(), &api.ClusterInfo{}
		return info
	}
	cluster := c.info
	info.Cluster, info.Nodes, info.Managers = &cluster, len(c.nodes), len(c.members)
	if info.Managers == 2 {
		info.Warnings = []string{twoManagers}
	}
	return info
}

const twoManagers = `WARNING: Running Swarm in a two-manager configuration. This configuration provides
         no fault tolerance, and poses a high risk to lose control over the cluster.
         Refer to https://docs.docker.com/engine/swarm/admin_guide/ to configure the
         Swarm for fault-tolerance.`

// inspectDistribution asks the simulated registry for a reference's digest.
func inspectDistribution(c *call) (answer, error) {
	ref, isJSON := strings.CutSuffix(c.PathValue("rest"), "/json")
	if !isJSON || ref == "" {
		return answer{}, errPage
	}
	if name := imageName(ref); strings.ContainsFunc(name[:strings.LastIndex(name, ":")], unicode.IsUpper) {
		return answer{}, badRequest("invalid reference format: repository name must be lowercase")
	}
	if host, _, _ := strings.Cut(ref, "/"); strings.HasPrefix(host, "127.0.0.1:") {
		// Nobody serves a registry on a simulated machine's own address.
		return answer{}, &apiError{http.StatusInternalServerError, fmt.Sprintf("Get \"http://%s/v2/\": dial tcp %s: connect: connection refused", host, host)}
	}
	if err := c.engine.world.registries[registryOf(ref)].refuse(c.Header.Get(registry.AuthHeader)); err != nil {
		return answer{}, err
	}
	image := c.engine.world.image(ref)
	if image.Missing {
		return answer{}, &apiError{http.StatusNotFound, "manifest unknown: manifest unknown"}
	}
	return ok(map[string]any{
		"Descriptor": map[string]any{
			"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": digestOf(ref, image), "size": 528,
		},
		"Platforms": platformsOf(image),
	})
}
