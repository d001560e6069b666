// Package userdata renders what a droplet does at its first boot: cloud-init's #cloud-config. It decides the order in which a
// machine becomes a node: close the host's firewall, label the engine with the droplet's id and the template's version, only then let the engine start, then
// join drained. The engine does not start while one of the first two has failed.
//
// Values never become script text: they are arguments or files, validated first. It must not decide which machine joins which pool,
// and it holds two secrets only, because user-data is readable on the droplet for as long as it lives: the worker join token, and the first
// manager's private ssh host key. The droplet's own copies of both are written over at the end of the first boot's setup, and at the end of
// each boot; the metadata service's are closed to containers before the engine starts. There the token is worth nothing once it was replaced.
//
// The host key stays, and is not replaced after the first contact. Who can read it there, or could before the rule, is root on that machine or as
// good as root (a container in the host's network, see README), and root has the key in /etc/ssh as well, whichever it is. What is left is a
// macvlan or ipvlan container. Against that one, a second key would have to be made, learnt and swapped on both sides so that no run that
// breaks off in between locks itself out: more that can fail than it takes away.
package userdata
