// Package report has what a swarmd tells of its passes: the timeline of events. It decides nothing and it must not read the world; who has something
// to tell gives it an event.
package report
