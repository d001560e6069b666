package file

import (
	"fmt"
	"strconv"
)

// place is where a node hangs. Its path is put together when somebody asks: 200,000 values below long keys would have more than half a
// gigabyte of paths.
type place struct {
	up   *node  // nil at the root
	key  string // in a map
	item int    // in a list, from 1; 0 in a map
}

// path names the keys and items that lead to the place, "" for the root.
func (p place) path() string {
	switch {
	case p.up == nil:
		return ""
	case p.item > 0:
		return p.up.path() + "[" + strconv.Itoa(p.item-1) + "]"
	}
	return join(p.up.path(), p.key)
}

// join appends a key to a path. A key that is no plain word is quoted, so that a path is one line and its parts can be told apart.
func join(path, key string) string {
	if plain := (charset{rest: letters + digits + "_./-", max: 64}); !plain.holds(key) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// quote shows a piece of the file in a message: one line, not too long.
func quote(s string) string { return fmt.Sprintf("%q", clip(s)) }

// clip shortens a text to 64 characters.
func clip(s string) string { return shorten(s, 64) }

// shorten cuts a text after a number of characters.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
