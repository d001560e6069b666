package main

import "testing"

// TestNamesHost: a file of known hosts is about a machine by its whole name, not by a part of another's.
func TestNamesHost(t *testing.T) {
	const file = "# pinned\n10.0.0.11 ssh-ed25519 AAAA\nshop.example,10.0.0.2 ssh-ed25519 AAAA\n[10.0.0.3]:2222 ssh-ed25519 AAAA\n2001:db8::1 ssh-ed25519 AAAA"
	for host, want := range map[string]bool{"10.0.0.11": true, "10.0.0.2": true, "shop.example": true, "10.0.0.3": true, "2001:db8::1": true,
		"10.0.0.1": false, "0.0.0.11": false, "example": false, "ssh-ed25519": false, "AAAA": false, "": false} {
		if got := namesHost([]byte(file), host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
