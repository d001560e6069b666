package file

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// found tells a judgement in one word.
func found(fault, access string) string {
	switch {
	case fault != "":
		return "fault"
	case access != "":
		return "warning"
	}
	return "fine"
}

func TestBindsOfTheMachine(t *testing.T) {
	for _, tc := range []struct{ source, readOnly, writable string }{
		// A secret place and what is in it, by every way to write it.
		{"/etc/swarmd", "fault", "fault"},
		{"/etc/swarmd/", "fault", "fault"},
		{"//etc///swarmd/token", "fault", "fault"},
		{"/etc/./swarmd", "fault", "fault"},
		{"/srv/../etc/swarmd/token", "fault", "fault"},
		{"/etc/swarmd/x/..", "fault", "fault"},
		{"/var/lib/swarmd/join", "fault", "fault"},
		{"/var/lib/cloud/instance/user-data.txt", "fault", "fault"},
		{"/run/cloud-init", "fault", "fault"},
		{"/run/credentials/swarmd.service", "fault", "fault"},
		{"/var/run/credentials", "fault", "fault"},
		{"/var/run/../etc/swarmd", "fault", "fault"}, // the kernel follows the link before it goes up
		{"/proc/1/root/etc/swarmd", "fault", "fault"},
		{"/proc/self/cwd/etc/swarmd/", "fault", "fault"},
		{"/proc/1/task/1/root/var/lib/cloud", "fault", "fault"},
		{"/proc/1/root/proc/1/root/run/credentials", "fault", "fault"},
		{"/usr/local/lib/swarmd", "fault", "fault"},
		{"/etc/cloud/cloud.cfg.d", "fault", "fault"},
		{"/etc/{{.Service.Labels.x}}", "fault", "fault"},
		{`/{{ "etc" }}/swarmd`, "fault", "fault"},
		// Folders around one.
		{"/etc", "warning", "fault"},
		{"/etc/../etc/", "warning", "fault"},
		{"/var", "warning", "fault"},
		{"/var/lib/", "warning", "fault"},
		{"/run", "warning", "fault"},
		{"/var/run/", "warning", "fault"},
		{"/usr", "fine", "fault"},
		{"/usr/local", "fine", "fault"},
		{"/etc/systemd", "fine", "fault"},
		// What root is needed for and some must have.
		{"/", "warning", "warning"},
		{"//", "warning", "warning"},
		{"/var/..", "warning", "warning"},
		{"/proc/1/root", "warning", "warning"},
		{"/var/run/docker.sock", "warning", "warning"},
		{"/run//docker.sock", "warning", "warning"},
		{"/var/lib/docker/containers", "warning", "warning"},
		{"/run/containerd/containerd.sock", "warning", "warning"},
		{"/etc/cron.d", "fine", "warning"},
		{"/root/.ssh", "fine", "warning"},
		{"/bin/../usr/bin", "fine", "warning"},
		{"/lib/systemd", "fine", "warning"},
		{"/proc", "warning", "warning"}, // the root of any other container, swarmd's token in it, lies below
		{"/proc/", "warning", "warning"},
		{"/proc/self/fd/7", "warning", "warning"},
		{"/proc/815/root/tmp/link", "warning", "warning"}, // a container's own link there leads anywhere on the machine
		{"/proc/815/task/816/cwd/link", "warning", "warning"},
		{"/proc/815/root/etc/swarmd", "fault", "fault"},
		{"/proc/meminfo", "fine", "warning"},
		{"/proc/sys", "fine", "warning"},
		{"/run/systemd/private", "warning", "warning"},
		{"/run/systemd", "warning", "warning"},
		{"/var/run/dbus/system_bus_socket", "warning", "warning"},
		{"/run/systemd/system", "fine", "warning"},
		{"/run/systemd/journal", "fine", "warning"},
		{"/run/udev/rules.d", "fine", "warning"},
		{"/etc/udev", "fine", "warning"},
		{"/etc/update-motd.d", "fine", "warning"},
		{"/etc/init.d/ssh", "fine", "warning"},
		{"/etc/ufw", "fine", "warning"},
		{"/opt/digitalocean", "fine", "warning"},
		{"/usr/local/lib/python3", "fine", "warning"},
		{"/sys/fs/cgroup", "fine", "warning"},
		// Neighbours.
		{"/etc/localtime", "fine", "fine"},
		{"/etc/swarmd-exporter", "fine", "fine"},
		{"/etc/ssl/certs", "fine", "fine"},
		{"/var/log", "fine", "fine"},
		{"/srv/data/{{.Task.Slot}}", "fine", "fine"},
		{"/srv/{{ .Service.Name }}/{{.Node.Hostname}}", "fine", "fine"},
		{"/srv", "fine", "fine"},
		{"/home/ana", "fine", "fine"},
	} {
		if got := found(hostBind{tc.source, false}.judge()); got != tc.readOnly {
			t.Errorf("%s read only: %s, want %s", tc.source, got, tc.readOnly)
		}
		if got := found(hostBind{tc.source, true}.judge()); got != tc.writable {
			t.Errorf("%s writable: %s, want %s", tc.source, got, tc.writable)
		}
	}
}

func TestVolumesOfTheMachine(t *testing.T) {
	for _, tc := range []struct {
		name string
		want string
		has  map[string]any
	}{
		{"bind", "fault", options("type", "none", "o", "bind", "device", "/etc/swarmd")},
		{"recursive bind, read only", "fault", options("o", "ro,rbind", "device", "/etc/swarmd")},
		{"bind that says nfs", "fault", options("type", "nfs", "o", "bind", "device", "/var/run/credentials")},
		{"link before going up", "fault", options("type", "none", "o", "bind", "device", "/var/run/../etc/swarmd")},
		{"folder around it", "fault", options("type", "none", "o", "bind", "device", "/etc")},
		{"read only folder around it", "warning", options("type", "none", "o", "bind,ro", "device", "/etc")},
		{"read only taken back", "fault", options("type", "none", "o", "ro,bind,rw", "device", "/etc")},
		{"lower layer", "fault", options("type", "overlay", "device", "overlay", "o", "lowerdir=/srv:/etc/swarmd,upperdir=/srv/u,workdir=/srv/w")},
		{"lower layer with backslashes", "fault", options("type", "overlay", "device", "overlay", "o", `lowerdir=/srv:/etc/swar\md`)},
		{"lower layer with a comma", "fault", options("type", "overlay", "device", "overlay", "o", `lowerdir=/srv/a\,b/../../etc/swarmd`)},
		{"lower layer with a comma of its own", "fault", options("type", "overlay", "device", "overlay", "o", `lowerdir=/srv/a\,b/c`)},
		{"upper layer", "fault", options("type", "overlay", "device", "overlay", "o", "lowerdir=/srv,upperdir=/var/lib/cloud,workdir=/srv/w")},
		{"template in the device", "fault", options("type", "none", "o", "bind", "device", "/etc/{{.Service.Labels.x}}")},
		{"template in the options", "fault", options("type", "none", "o", "{{.Service.Labels.x}}", "device", "/etc")},
		{"socket", "warning", options("type", "none", "o", "bind", "device", "/run/docker.sock")},
		{"disk", "warning", options("type", "ext4", "device", "/dev/vda1")},
		{"proc", "warning", options("type", "proc", "device", "proc")},
		{"folder of its own", "fine", options("type", "none", "o", "bind", "device", "/srv/data")},
		{"a backslash that is no overlay's", "fine", options("type", "cifs", "device", "//files/x", "o", `username=dom\ana`)},
		{"nfs", "fine", options("type", "nfs", "o", "addr=10.0.0.1,rw", "device", ":/etc/swarmd")},
		{"tmpfs", "fine", options("type", "tmpfs", "device", "tmpfs", "o", "size=1m")},
		{"another driver", "fine", map[string]any{"driver": "rexray", "driver_opts": map[string]any{"device": "/etc/swarmd", "o": "bind"}}},
		{"nothing", "fine", map[string]any{}},
	} {
		if got := found(judgeVolume(tc.has, false)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// options are those of a volume of the local driver.
func options(pairs ...string) map[string]any {
	given := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		given[pairs[i]] = pairs[i+1]
	}
	return map[string]any{"driver_opts": given}
}

const hostFile = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 3, size: s-1vcpu-1gb }
  edge: { role: worker, count: 1, size: s-1vcpu-1gb, labels: { zone: edge } }
  workers: { role: worker, count: 2, size: s-1vcpu-1gb }
services:
`

func TestAccessToTheMachineIsWarnedOf(t *testing.T) {
	s, warnings, err := Parse("f.yaml", []byte(hostFile+`
  anywhere: { image: "a:1", volumes: ["/var/run/docker.sock:/s"], deploy: { mode: global } }
  managers: { image: "a:1", cap_add: [CHOWN, CAP_SYS_ADMIN], deploy: { mode: global, placement: { constraints: [node.role==manager] } } }
  workers: { image: "a:1", networks: [ours, machine], deploy: { mode: global, placement: { constraints: [node.role!=manager] } } }
  edge: { image: "a:1", volumes: [{ type: volume, source: disk, target: /d }], deploy: { mode: global, placement: { constraints: [node.labels.zone==edge] } } }
  nobody: { image: "a:1", networks: [host], deploy: { mode: global, placement: { constraints: [node.role==worker, node.labels.swarmd.pool==managers] } } }
  harmless: { image: "a:1", cap_add: [NET_BIND_SERVICE], volumes: ["/srv:/srv", "/opt:/o:ro", "own:/v", { type: tmpfs, target: /t }], networks: [ours], deploy: { mode: global } }
  layered: { image: "a:1", volumes: ["layers:/l"], deploy: { mode: global } }
  readers: { image: "a:1", volumes: ["layers:/l:ro"], deploy: { mode: global } }
networks: { ours: {}, machine: { external: true, name: host }, host: { external: true } }
volumes: { disk: { driver_opts: { type: ext4, device: /dev/vda1 } }, own: {},
  layers: { driver_opts: { type: overlay, device: overlay, o: "lowerdir=/opt,upperdir=/srv/u,workdir=/srv/w" } } }
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"web_anywhere": {"the Docker socket (/run/docker.sock)"}, "web_managers": {"the capability SYS_ADMIN"},
		"web_workers": {"the machine's own network"}, "web_edge": {"a file system of the machine's own (type: ext4)"}, "web_nobody": {"the machine's own network"}}
	if diff := cmp.Diff(want, s.HostAccess); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"web_harmless": {"/srv"}, "web_layered": {"/srv/u", "/srv/w"}}, s.HostWrites); diff != "" {
		t.Error(diff)
	}
	said := report(warnings, nil)
	for _, part := range []string{
		"f.yaml:10:39: services.anywhere.volumes[0]: the service gets the Docker socket (/run/docker.sock): who controls it is root on every node that it may run on (pools edge, managers, workers)\n",
		"services.managers.cap_add[1]: the service gets the capability SYS_ADMIN: who controls it is root on every node that it may run on (pool managers)\n",
		"services.workers.networks[1]: the service gets the machine's own network: who controls it is root on every node that it may run on (pools edge, workers)\n",
		"services.edge.volumes[0]: the service gets a file system of the machine's own (type: ext4): who controls it is root on every node that it may run on (pool edge)\n",
		"services.nobody.networks[0]: the service gets the machine's own network: who controls it is root on every node that it may run on (by the file it is none now)\n",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in:\n%s", part, said)
		}
	}
	if strings.Contains(said, "harmless") {
		t.Errorf("a harmless service is warned of:\n%s", said)
	}
}

func TestPasswordsInTheFile(t *testing.T) {
	_, warnings, err := Parse("f.yaml", []byte("variables: { PASS: hunter2secret }\n"+hostFile+`
  map: { image: "a:1", environment: { DB_PASSWORD: hunter2secret, API_KEY: hunter2secret, DB_PASSWORD_FILE: /run/p, PUBLIC_KEY: x, DB_TOKEN: "", JWT_SECRET: "${PASS}", DB_PASS: x, MYSQL_ALLOW_EMPTY_PASSWORD: "yes" }, deploy: { mode: global } }
  list: { image: "a:1", environment: ["github_token=hunter2secret", "URL=postgres://ana:hunter2secret@db/x", "PLAIN=http://db:5432/a@b"], deploy: { mode: global } }
`))
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	for _, w := range warnings {
		at = append(at, w.Path)
		if strings.Contains(w.Message, "hunter2") {
			t.Errorf("the warning shows it: %s", w)
		}
	}
	want := []string{"services.map.environment.DB_PASSWORD", "services.map.environment.API_KEY", "services.map.environment.JWT_SECRET", "services.map.environment.DB_PASS", "services.list.environment[0]", "services.list.environment[1]"}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Error(diff)
	}
}
