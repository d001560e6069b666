// Package source is where revisions come from: today the watched file. It decides when a saved file is whole, and that each save counts. It must not
// judge what the file says.
package source
