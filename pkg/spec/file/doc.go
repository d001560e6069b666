// Package file is the file that people edit. It decodes strictly, fills defaults and variables, and reports every fault at once with
// file:line:column and field path. It decides what a valid file is, and what in one is likely not meant. It must open nothing, read no environment,
// and decide nothing about how to get there.
package file
