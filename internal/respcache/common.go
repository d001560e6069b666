package respcache

import (
	"strings"
	"sync"
)

// Common is what elements mean to several readers of one program, by their text: what one has decoded, the others need not. It is safe for
// concurrent use. The values are shared: nobody may change what is in them.
type Common[E any] struct {
	mu    sync.Mutex
	means map[string]E
}

// maxCommon bounds the elements that are kept; one text is 2 kB.
const maxCommon = 10_000

// Get returns what a text means, and whether somebody has decoded it. A nil Common knows nothing.
func (c *Common[E]) Get(text string) (E, bool) {
	if c == nil {
		var none E
		return none, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.means[text]
	return e, ok
}

// Put keeps what a text means; a nil Common does not.
func (c *Common[E]) Put(text string, e E) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.means == nil || len(c.means) >= maxCommon {
		c.means = map[string]E{}
	}
	c.means[strings.Clone(text)] = e // a part of an answer would keep the whole of it
}
