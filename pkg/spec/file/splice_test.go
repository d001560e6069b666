package file

import "testing"

func TestSplice(t *testing.T) {
	accepted := "version: 1\nservices:\n  a: { image: a:2 }\n  # of b\n  b:\n    image: b:2\n\n    ports: [80]\n  c:\n    image: c:2\nnetworks:\n  n: {}\n"
	older := "services:\n  c: { image: c:1 }\n  # b of old\n  b:\n    image: b:1"
	for service, want := range map[string]string{
		"b": "version: 1\nservices:\n  a: { image: a:2 }\n  # b of old\n  b:\n    image: b:1\n  c:\n    image: c:2\nnetworks:\n  n: {}\n",
		"c": "version: 1\nservices:\n  a: { image: a:2 }\n  # of b\n  b:\n    image: b:2\n\n    ports: [80]\n  c: { image: c:1 }\nnetworks:\n  n: {}\n",
	} {
		got, err := Splice([]byte(accepted), []byte(older), service)
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s", service, err, got)
		}
	}
	for _, bad := range []string{"services: { b: { image: b:1 } }", "services:\n  a: {}\n", "a: b", "[", "services: [b]", ""} {
		if got, err := Splice([]byte(accepted), []byte(bad), "b"); err == nil {
			t.Errorf("%q: %s", bad, got)
		}
	}
}
