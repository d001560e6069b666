package plan

import "time"

// refusal is why a wish is not done now. Its zero value says nothing, since something else has said it.
type refusal struct {
	hold        Hold          // what is said; its zero value: nothing
	progressing bool          // what is waited for is under way
	requeue     time.Duration // when to look again at the latest; 0: no need
	left        int           // how many of a wish for several are done all the same
	rest        bool          // the wishes of the same kind and object that come after are not asked for any more
}

// blocked is a refusal that keeps the desired state from being reached.
func blocked(guard, object, text string) *refusal {
	return &refusal{hold: Hold{Guard: guard, Object: object, Text: text, Blocking: true, Final: final(guard)}}
}

// warned is one that does not matter for the desired state.
func warned(guard, object, text string) *refusal {
	return &refusal{hold: Hold{Guard: guard, Object: object, Text: text}}
}
