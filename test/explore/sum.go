package explore

import "time"

// sum is a running hash, FNV-1a of 64 bits: equal for equal histories, in every process and on every machine. It is taken of fields as they
// are, because to write them out as text first costs ten times as much.
type sum uint64

const (
	sumBasis sum = 14695981039346656037
	sumPrime sum = 1099511628211
)

// text adds a field. Its end counts too: "ab", "c" is not "a", "bc".
func (s *sum) text(field string) {
	h := *s
	for i := range len(field) {
		h = (h ^ sum(field[i])) * sumPrime
	}
	*s = (h ^ 0xff) * sumPrime // no byte of UTF-8
}

// number adds a number.
func (s *sum) number(n uint64) {
	h := *s
	for range 8 {
		h = (h ^ sum(n&0xff)) * sumPrime
		n >>= 8
	}
	*s = h
}

// call adds a line of the trace that is a call, as it is now: of one that hangs there is no answer yet.
func (s *sum) call(t *ticket, began time.Time) {
	s.sent(t, began)
	s.text(string(t.fault))
	s.answered(t)
}

// calm adds a call as call does, without what a fault made of it.
func (s *sum) calm(t *ticket, began time.Time) {
	if s.sent(t, began); t.fault == "" {
		s.answered(t)
	}
}

// deed adds a call that has written something, whoever made it, to what, and in whatever order.
func (s *sum) deed(t *ticket) {
	h := sumBasis
	h.text(t.sign.Call)
	*s += h
}

func (s *sum) sent(t *ticket, began time.Time) {
	s.number(uint64(t.n))
	s.number(uint64(t.at.Sub(began)))
	for _, field := range [...]string{t.proc.name, t.method, t.path, t.query} {
		s.text(field)
	}
}

func (s *sum) answered(t *ticket) {
	s.number(uint64(t.status))
	if t.err != nil {
		s.text(t.err.Error())
	}
}

// remark adds a line that is no call.
func (s *sum) remark(after time.Duration, text string) {
	s.number(uint64(after))
	s.text(text)
}
