// Package history says what the accepted revisions of a cluster's file changed and how they ended. It decides what of that can be known. It writes
// nothing and calls nobody.
package history
