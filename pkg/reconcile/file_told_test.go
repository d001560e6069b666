package reconcile_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/spec/file"
)

func TestWarningsOfAnAcceptedFileAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		var many []file.Fault
		for i := range 25 {
			many = append(many, file.Fault{File: "f.yaml", Line: i + 1, Col: 1, Path: "services.app", Message: "one replica"})
		}
		d := start(t, e, options{initial: "app=2", warnings: many})
		settle(10 * time.Minute)
		const line, rest = "the accepted file is valid and seldom meant so", "there are more warnings, swarmd validate shows all"
		if lines, rests := d.logged(line), d.logged(rest); lines != 20 || rests != 1 {
			t.Errorf("%d lines and %d of the rest for 25 warnings", lines, rests)
		}
		b := start(t, e, options{node: "node2", warnings: many[:1]}) // it follows, and its log is as good a place to look
		settle(2 * time.Minute)
		d.edits <- []byte("app=3")
		settle(10 * time.Minute)
		if lines, others := d.logged(line), b.logged(line); lines != 40 || others != 2 {
			t.Errorf("%d lines, and %d of the one that follows, after an edit", lines, others)
		}
		d.stop()
		b.stop()
	})
}

// TestABrokenFileShowsInEveryStatus: the person who asks is not on the node where the file is.
func TestABrokenFileShowsInEveryStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		a := start(t, e, options{initial: "app=2"})
		settle(time.Minute)
		b := start(t, e, options{initial: "app=2", node: "node2"})
		settle(2 * time.Minute)
		b.edits <- []byte("app=9 !")
		settle(2 * time.Minute)
		if got := look(t, e).Broken; len(got) != 1 || !strings.HasPrefix(got["node2"], "f.yaml:") {
			t.Errorf("status says %v", got)
		}
		b.edits <- []byte("app=2")
		settle(2 * time.Minute)
		if got := look(t, e).Broken; len(got) != 0 {
			t.Errorf("status says %v of a file that was corrected", got)
		}
		b.unread <- errors.New("read f.yaml: it is no regular file" + strings.Repeat(" at all", 100))
		settle(2 * time.Minute)
		if got := look(t, e).Broken["node2"]; !strings.HasPrefix(got, "read f.yaml: it is no regular file") || len(got) > 200 {
			t.Errorf("status says %q of one that cannot be read", got)
		}
		a.stop()
		b.stop()
	})
}
