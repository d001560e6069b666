package swarm_test

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestFits(t *testing.T) {
	n := swarm.Node{ID: "abc", Hostname: "Web-1", Addr: "10.0.0.7", Spec: swarm.NodeSpec{Role: swarm.Manager, Labels: map[string]string{"zone": "fra1", "Disk": "ssd"}},
		EngineLabels: map[string]string{"os": "debian"}, Platform: swarm.Platform{OS: "linux", Architecture: "x86_64"}}
	for expr, want := range map[string]bool{
		"node.id==abc": true, "node.hostname == web-1": true, "NODE.Hostname!=web-1": false, "node.role==worker": true, "node.role!=manager": true,
		"node.labels.zone==FRA1": true, "node.labels.zone!=fra1": false, "node.labels.Disk==ssd": true, "node.labels.disk==ssd": false, "node.labels.none!=x": true,
		"engine.labels.os==debian": true, "node.platform.os==windows": false, "node.platform.arch==x86_64": true,
		"node.ip==10.0.0.7": true, "node.ip==10.0.0.0/24": true, "node.ip!=10.0.0.0/24": false, "node.ip==10.1.0.0/16": false, "node.color==red": false, "node.color!=red": false,
	} {
		if got := (swarm.ServiceSpec{Constraints: []string{"node.id==abc", expr}}).Fits(n); got != want {
			t.Errorf("%s: %t", expr, got)
		}
	}
	for p, want := range map[swarm.Platform]bool{{OS: "linux", Architecture: "amd64"}: true, {Architecture: "arm64"}: false, {OS: "windows"}: false, {}: true} {
		if got := (swarm.ServiceSpec{}.Pinned(swarm.Pin{Platforms: []swarm.Platform{{OS: "plan9"}, p}})).Fits(n); got != want {
			t.Errorf("%+v: %t", p, got)
		}
	}
	n.Manager = &swarm.ManagerStatus{}
	if (swarm.ServiceSpec{Constraints: []string{"node.role==worker"}}).Fits(n) {
		t.Error("a manager is no worker")
	}
}
