// Package oracle holds our conversion of Compose files to docker/cli's own. It is a module of its own because that one needs the whole CLI.
package oracle
