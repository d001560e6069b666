// Package oracle holds our reading of SOPS files to SOPS itself. It is a module of its own because that one needs every key service's client.
package oracle
