// Package lab runs real droplets on one Linux machine behind DigitalOcean's API: what is ordered over the API of package docean is
// booted here as a machine with its own systemd, network, Docker engine and cloud-init, from the user-data it was ordered with.
//
// It decides how such a machine is made, wired, powered and taken away, and that nothing of it is left. It decides nothing about
// droplets themselves (addresses, tags, limits, actions: package docean) and knows nothing of swarms. Everything it makes carries the
// lab's tag ("swarmd-lab-" and four letters of its directory), so a lab can be swept away whole, also after a crash, and two labs in
// two directories don't meet. The host's own network is not touched: all bridges and cables live in namespaces.
//
// Words: the data centre is the network namespace with both bridges, the API, the metadata service, the registry and the way a laptop
// reaches the droplets' public addresses; a machine is the systemd-nspawn container that a droplet runs on; its init is the machine's
// first process; the image is the read-only file tree all machines share.
//
// It runs as root on Linux only; elsewhere every function returns ErrUnsupported. What this host lacks for a faithful droplet
// (the kernel's ip_vs, for one) is not hidden: see Capabilities.
package lab
