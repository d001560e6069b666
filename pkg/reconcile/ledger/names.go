package ledger

import "strconv"

// prefix begins the name of every object of every store. It is a contract, as the names are: swarms hold them.
const prefix = "swarmd."

// Name is the name of the config that holds the cluster's ledger. It begins the names of all other objects of the cluster's store.
func Name(cluster string) string { return prefix + cluster }

// LeaseName is the name of the config that holds the cluster's lease.
func LeaseName(cluster string) string { return Name(cluster) + ".lease" }

// KeyName is the name of the config with the cluster's key. The names of secrets are made with it, on each manager alike: so it is a config, which a
// manager's API gives. Who may ask that can run a service that reads the secrets themselves; who sees names alone learns nothing from them.
func KeyName(cluster string) string { return Name(cluster) + ".key" }

// RevisionName is the name of the config with the cluster's nth revision.
func RevisionName(cluster string, n int) string { return RevisionPrefix(cluster) + strconv.Itoa(n) }

// RevisionPrefix begins the name of each revision's config; its number follows.
func RevisionPrefix(cluster string) string { return Name(cluster) + ".spec." }
