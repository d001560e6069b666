package docker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// entries gives out the objects of a JSON array one by one, as they come in. It looks at nothing but nesting, texts and commas: what an entry says
// is for its decoder to judge.
type entries struct {
	r         io.Reader
	most      int64 // bytes of the list
	mostMarks int   // of the list; 0: any number

	room  []byte // what buf is in
	buf   []byte // what came, from the entry's beginning on
	at    int    // of buf: up to where it was looked at
	begun bool   // the list: an entry is or was there
	text  bool   // at is within one
	depth int    // of at, within the entry
	read  int64  // bytes so far
	marks int    // commas and opening brackets outside texts so far: in a text they cost nothing
}

// firstPart is how many bytes are asked for at once, unless an entry is longer.
const firstPart = 64 << 10

// next returns the next entry, nil after the last one. It is good until the next call.
func (e *entries) next() ([]byte, error) {
	e.buf, e.at = e.buf[e.at:], 0
	c, err := e.sign()
	switch {
	case err != nil:
	case !e.begun && c != '[':
		err = fmt.Errorf("the answer begins with %q, not with a list", c)
	case e.begun && c == ']':
		return nil, nil
	case e.begun && c != ',':
		err = fmt.Errorf("%q after an entry of the list", c)
	default:
		e.buf = e.buf[1:]
		if c, err = e.sign(); err == nil && c == ']' && !e.begun {
			return nil, nil
		}
		e.begun = true
	}
	if err == nil && c != '{' {
		err = fmt.Errorf("an entry of the list begins with %q", c)
	}
	if err != nil {
		return nil, err
	}
	return e.entry()
}

// sign is the next byte that is no white space; what is before it is gone.
func (e *entries) sign() (byte, error) {
	for {
		for i, c := range e.buf {
			if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
				e.buf = e.buf[i:]
				return c, nil
			}
		}
		e.buf = e.buf[len(e.buf):]
		if err := e.fill(); err != nil {
			return 0, err
		}
	}
}

// entry is the one that begins the buffer.
func (e *entries) entry() ([]byte, error) {
	before := e.marks
	for {
		ends := e.scan()
		if e.marks-before > maxItemMarks || e.mostMarks > 0 && e.marks > e.mostMarks || e.at > maxItem {
			return nil, errTooLong
		}
		if ends {
			return e.buf[:e.at], nil
		}
		if err := e.fill(); err != nil {
			return nil, err
		}
	}
}

// scan looks on, and reports whether the entry ends.
func (e *entries) scan() bool {
	i, buf := e.at, e.buf
	defer func() { e.at = i }()
	for i < len(buf) {
		if e.text {
			n := bytes.IndexByte(buf[i:], '"')
			if n < 0 {
				i = len(buf)
				return false
			}
			e.text = escaped(buf[:i+n])
			i += n + 1
			continue
		}
		c := buf[i]
		i++
		switch c {
		case '"':
			e.text = true
		case ',':
			e.marks++
		case '{', '[':
			e.marks++
			e.depth++
		case '}', ']':
			if e.depth--; e.depth == 0 {
				return true
			}
		}
	}
	return false
}

// escaped reports whether what comes after is meant as it is: an odd number of backslashes is before it.
func escaped(before []byte) bool {
	return (len(before)-len(bytes.TrimRight(before, `\`)))%2 == 1
}

// fill reads on. Half of the room is for what comes.
func (e *entries) fill() error {
	if e.read >= e.most {
		return errTooLong
	}
	if cap(e.buf)-len(e.buf) == 0 {
		if 2*len(e.buf) >= len(e.room) {
			e.room = make([]byte, max(firstPart, 2*len(e.room)))
		}
		e.buf = e.room[:copy(e.room, e.buf)]
	}
	n, err := e.r.Read(e.buf[len(e.buf):min(int64(cap(e.buf)), int64(len(e.buf))+e.most-e.read)])
	e.buf, e.read = e.buf[:len(e.buf)+n], e.read+int64(n)
	switch {
	case n > 0:
		return nil
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
