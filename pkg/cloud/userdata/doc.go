// Package userdata renders what a droplet does at its first boot: cloud-init's #cloud-config. It decides the order in which a
// machine becomes a node: close the host's firewall, label the engine with the droplet's id, only then let the engine start, then
// join drained. The engine does not start while one of the first two has failed.
//
// Values never become script text: they are arguments or files, validated first. It must not decide which machine joins which pool,
// and it holds one secret only, the worker join token, because user-data is readable on the droplet for as long as it lives. Of that one the
// droplet's own copies are written over when it has joined, and at the end of each boot; the metadata service's is closed to containers
// before the engine starts, and worth nothing once the token was replaced.
package userdata
