// Package drill breaks one thing of a cluster on purpose, and measures how long it takes to heal. It decides what may be broken: only what is the
// cluster's own, while all else is well and somebody acts who will repair it. It must not repair anything: that is what is tried.
package drill
