package docean

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
)

// MetadataHandler serves /metadata/v1 of one droplet: what 169.254.169.254 tells it about itself. Anyone on the droplet can
// read it without a token, the user-data too.
func (c *Cloud) MetadataHandler(id int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := c.metadata(id, strings.TrimSuffix(r.URL.Path, "/"))
		if !ok || r.Method != http.MethodGet {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text)
	})
}

func (c *Cloud) metadata(id int, path string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.byID[id]
	if !c.alive(d) {
		return "", false
	}
	leaf, ok := strings.CutPrefix(path, "/metadata/v1")
	if !ok {
		return "", false
	}
	if leaf == "" {
		return "id\nhostname\nuser-data\nvendor-data\npublic-keys\nregion\ninterfaces/\ntags/\n", true
	}
	value, ok := c.metadataLeaves(d)[strings.TrimPrefix(leaf, "/")]
	return value, ok
}

func (c *Cloud) metadataLeaves(d *droplet) map[string]string {
	m := map[string]string{
		"id": fmt.Sprint(d.ID), "hostname": d.Name, "region": d.Region, "user-data": d.UserData, "vendor-data": "",
		"public-keys": strings.Join(d.SSHKeys, "\n"), "interfaces": "private/\npublic/\n", "tags": strings.Join(d.allTags(), "\n"),
		"interfaces/public": "0/\n", "interfaces/private": "0/\n",
	}
	addLeaves(m, "public", d.Public, c.public)
	addLeaves(m, "private", d.Private, d.private)
	return m
}

func addLeaves(m map[string]string, kind string, addr netip.Prefix, pool *addressPool) {
	base := "interfaces/" + kind + "/0/"
	m[base+"type"] = kind
	m[base+"ipv4/address"] = addr.Addr().String()
	m[base+"ipv4/netmask"] = netmask(addr)
	m[base+"ipv4/gateway"] = pool.gateway().String()
}
