package respcache

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// TestAnAnswerIsKnownAgainHoweverLongItIs and what is kept of a long one is short.
func TestAnAnswerIsKnownAgainHoweverLongItIs(t *testing.T) {
	for _, length := range []int{1, Long, Long + 1, 3 * Long} {
		body := bytes.Repeat([]byte("x"), length)
		other := bytes.Clone(body)
		other[length-1] = 'y'
		show := func(body, before []byte, status int) (*Answer, string) {
			ctx, a := Watch(t.Context(), before)
			resp := &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body))}
			Show(ctx, resp, body, "instead")
			said, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return a, string(said)
		}
		first, said := show(body, nil, 200)
		if first.Same() || said != string(body) || len(first.Mark()) > Long || length > Long && len(first.Mark()) > 100 {
			t.Fatalf("%d bytes: same %v, %d bytes to decode, a mark of %d", length, first.Same(), len(said), len(first.Mark()))
		}
		if again, said := show(body, first.Mark(), 200); !again.Same() || said != "instead" {
			t.Errorf("%d bytes come again: same %v, %d bytes to decode", length, again.Same(), len(said))
		}
		if changed, said := show(other, first.Mark(), 200); changed.Same() || said != string(other) {
			t.Errorf("the last of %d bytes is another one: same %v, %d bytes to decode", length, changed.Same(), len(said))
		}
		if failed, said := show(body, first.Mark(), 503); failed.Same() || said != string(body) || failed.Mark() != nil {
			t.Errorf("%d bytes with a 503: same %v", length, failed.Same())
		}
	}
}
