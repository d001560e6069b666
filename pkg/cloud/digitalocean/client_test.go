package digitalocean

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestTokenFromEnv(t *testing.T) {
	files := map[string]string{"good": canary + "\n", "empty": "\n", "two": canary + "\nmore\n"}
	read := func(name string) ([]byte, error) {
		if s, ok := files[name]; ok {
			return []byte(s), nil
		}
		return nil, errors.New("no such file")
	}
	for name, tc := range map[string]struct {
		env     map[string]string
		want    string
		failure string
	}{
		"neither":         {},
		"variable":        {env: map[string]string{tokenVar: canary + "\n"}, want: canary},
		"file":            {env: map[string]string{tokenFileVar: "good"}, want: canary},
		"both":            {env: map[string]string{tokenVar: canary, tokenFileVar: "good"}, failure: "both"},
		"no such file":    {env: map[string]string{tokenFileVar: "gone"}, failure: "no such file"},
		"an empty file":   {env: map[string]string{tokenFileVar: "empty"}, failure: "empty"},
		"a line too many": {env: map[string]string{tokenFileVar: "two"}, failure: "blank"},
		"a blank inside":  {env: map[string]string{tokenVar: canary + " x"}, failure: "blank"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := TokenFromEnv(func(k string) string { return tc.env[k] }, read)
			if tc.failure == "" && (err != nil || got != tc.want) {
				t.Errorf("%q, %v", got, err)
			}
			if tc.failure != "" && (err == nil || !strings.Contains(err.Error(), tc.failure) || strings.Contains(err.Error(), canary)) {
				t.Errorf("error is %v, want one with %q and without the token", err, tc.failure)
			}
		})
	}
}

func TestBaseURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://api.example/": "https://api.example/v2/account", "https://api.example/do": "https://api.example/do/v2/account",
		"http://127.0.0.1:8080": "http://127.0.0.1:8080/v2/account", "http://10.77.0.1:80": "http://10.77.0.1:80/v2/account",
		"http://203.0.113.1:80": "http://203.0.113.1:80/v2/account", "http://localhost:1": "http://localhost:1/v2/account",
		"":                   "https://api.digitalocean.com/v2/account",
		"http://api.example": "", "http://8.8.8.8": "", "https://u:p@api.example": "", "api.example": "", "ftp://10.0.0.1": "", "https://x/?a=b": "",
	} {
		c, err := New(Options{Token: canary, BaseURL: url})
		if (err == nil) != (want != "") {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil {
			continue
		}
		req, err := c.api.NewRequest(t.Context(), http.MethodGet, "v2/account", nil)
		if err != nil || req.URL.String() != want {
			t.Errorf("%s: %v, %v", url, req.URL, err)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a client without a token")
	}
}

// The token goes to the API's host and nowhere else.
func TestOtherHosts(t *testing.T) {
	c, w := client(t, answer{status: 200})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://elsewhere.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.api.HTTPClient.Do(req); !errors.Is(err, errHost) || w.requests() != 0 {
		t.Errorf("%v, %v", err, w.seen)
	}
}
