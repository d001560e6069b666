package brake

import (
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// Both adapters fit behind the brakes.
var (
	_ CloudAPI = (*digitalocean.Client)(nil)
	_ Engine   = (*docker.Client)(nil)
)
