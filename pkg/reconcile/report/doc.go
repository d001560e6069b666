// Package report says what a pass came to, once, for everybody who is told: the log, the metrics, the HTTP side, its streams and the commands. It
// decides what a pass is called (converged, held, failed), what a report has of the world and the plan, and how many events are kept. It must not
// read the world, plan or act, and nothing in it is a secret.
package report
