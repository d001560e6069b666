package docean

// Fate is what becomes of the resizes that are asked for from now on.
type Fate string

// The fates of a resize.
const (
	Resized  Fate = ""        // the size is another one when the action is completed
	NoRoom   Fate = "no-room" // it is refused, although the size is on offer in the region
	Errored  Fate = "errored" // the action ends so, and nothing has changed
	HalfDone Fate = "half"    // the action ends so, and the size is another one all the same
)

// SetFate says what becomes of the resizes that are asked for from now on.
func (c *Cloud) SetFate(f Fate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fate = f
}

// ends is how an action ends whose time is over.
func (c *Cloud) ends(a *action) string {
	if a.Fate == Errored || a.Fate == HalfDone {
		if a.Fate == HalfDone {
			c.apply(a)
		}
		return "errored"
	}
	return "completed"
}
