package docean

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (c *Cloud) getAccount(*request) reply {
	a := c.account
	return reply{http.StatusOK, map[string]any{"account": map[string]any{
		"droplet_limit": a.limit, "floating_ip_limit": 3, "reserved_ip_limit": 3, "volume_limit": 100, "name": "Swarm Owner",
		"email": "owner@example.com", "uuid": a.uuid, "email_verified": true, "status": a.status, "status_message": a.message,
		"team": map[string]string{"uuid": a.team, "name": "My Team"},
	}}}
}

// AddSSHKey registers an authorized_keys line with the account, as POST /v2/account/keys does.
func (c *Cloud) AddSSHKey(name, publicKey string) (SSHKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, refusal := c.addKey(name, publicKey)
	if refusal != "" {
		return SSHKey{}, fmt.Errorf("add ssh key: %s", refusal)
	}
	return k, nil
}

// Provide makes the account have what a file of swarmd names: the region's VPC gets the name, if there is one, and each ssh key, an id or a
// fingerprint, is registered. Nobody has their private halves.
func (c *Cloud) Provide(region, vpcName string, keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.defaultVPC(region); v != nil && vpcName != "" {
		v.Name = vpcName
	}
	for _, key := range keys {
		k := SSHKey{Name: "key " + key, PublicKey: "ssh-ed25519 simulated", Fingerprint: key}
		if id, err := strconv.Atoi(key); err == nil {
			k.ID, k.Fingerprint = id, fmt.Sprintf("of key %d", id)
		} else {
			k.ID = c.newID()
		}
		c.keys = append(c.keys, k)
	}
}

// addKey returns the key, or the API's words why not.
func (c *Cloud) addKey(name, publicKey string) (SSHKey, string) {
	md5sum, ok := fingerprint(publicKey)
	if !ok || name == "" {
		return SSHKey{}, "Key invalid type, we support 'ssh-rsa', 'ssh-dss', 'ssh-ed25519', or 'ecdsa-sha2-nistp'"
	}
	k := SSHKey{ID: c.newID(), Name: name, PublicKey: strings.TrimSpace(publicKey), Fingerprint: md5sum}
	if slices.ContainsFunc(c.keys, func(o SSHKey) bool { return o.Fingerprint == k.Fingerprint }) {
		return SSHKey{}, "SSH Key is already in use on your account"
	}
	c.keys = append(c.keys, k)
	return k, ""
}

// fingerprint is the MD5 of the key in an authorized_keys line, in colon-separated pairs as DigitalOcean names keys.
func fingerprint(line string) (string, bool) {
	fields := strings.Fields(line)
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "ssh-") && !strings.HasPrefix(fields[0], "ecdsa-sha2-nistp") {
		return "", false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return "", false
	}
	sum := md5.Sum(blob)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(pairs, ":"), true
}

func (c *Cloud) listKeys(r *request) reply {
	return page(c, r, "ssh_keys", c.keys, renderKey)
}

func (c *Cloud) createKey(r *request) reply {
	var req struct {
		Name      string `json:"name"`
		PublicKey string `json:"public_key"`
	}
	if rep, ok := r.decode(&req); !ok {
		return rep
	}
	k, refusal := c.addKey(req.Name, req.PublicKey)
	if refusal != "" {
		return unprocessable("%s", refusal)
	}
	return reply{http.StatusCreated, map[string]any{"ssh_key": renderKey(k)}}
}

// keyOf is the index of the key that the path names by id or fingerprint, -1 if there is none.
func (c *Cloud) keyOf(r *request) int {
	want := r.PathValue("key")
	return slices.IndexFunc(c.keys, func(k SSHKey) bool { return k.Fingerprint == want || strconv.Itoa(k.ID) == want })
}

func (c *Cloud) getKey(r *request) reply {
	i := c.keyOf(r)
	if i < 0 {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{"ssh_key": renderKey(c.keys[i])}}
}

// renameKey changes the name alone.
func (c *Cloud) renameKey(r *request) reply {
	var req struct {
		Name string `json:"name"`
	}
	i := c.keyOf(r)
	if i < 0 {
		return notFound()
	}
	if rep, ok := r.decode(&req); !ok {
		return rep
	}
	if req.Name != "" {
		c.keys[i].Name = req.Name
	}
	return reply{http.StatusOK, map[string]any{"ssh_key": renderKey(c.keys[i])}}
}

// deleteKey takes the key from the account, not from the machines that have it.
func (c *Cloud) deleteKey(r *request) reply {
	i := c.keyOf(r)
	if i < 0 {
		return notFound()
	}
	c.keys = slices.Delete(c.keys, i, i+1)
	return reply{status: http.StatusNoContent}
}

func renderKey(k SSHKey) map[string]any {
	return map[string]any{"id": k.ID, "name": k.Name, "fingerprint": k.Fingerprint, "public_key": k.PublicKey}
}

func (c *Cloud) listSizes(r *request) reply {
	return page(c, r, "sizes", c.opts.Sizes, c.renderSize)
}

func (c *Cloud) renderSize(s Size) map[string]any {
	return map[string]any{
		"slug": s.Slug, "memory": s.MemoryMB, "vcpus": s.VCPUs, "disk": s.DiskGB, "transfer": s.TransferTB,
		"price_monthly": s.PriceMonthly, "price_hourly": s.hourly(), "regions": c.opts.Regions, "available": !s.Unavailable,
		"description": s.Description, "disk_info": diskInfo(s.DiskGB),
	}
}

func diskInfo(gb int) []map[string]any {
	return []map[string]any{{"type": "local", "size": map[string]any{"amount": gb, "unit": "gib"}}}
}

func (c *Cloud) listRegions(r *request) reply {
	return page(c, r, "regions", c.opts.Regions, c.renderRegion)
}

func (c *Cloud) renderRegion(slug string) map[string]any {
	sizes := []string{}
	for _, s := range c.opts.Sizes {
		if !s.Unavailable {
			sizes = append(sizes, s.Slug)
		}
	}
	return map[string]any{
		"name": regionName(slug), "slug": slug, "available": true, "sizes": sizes,
		"features": []string{"backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"},
	}
}

// listImages filters by type, "distribution" or "application", and with private=true by whether they are the account's own.
func (c *Cloud) listImages(r *request) reply {
	kind, own := r.URL.Query().Get("type"), r.URL.Query().Get("private") == "true"
	found := slices.DeleteFunc(c.images(), func(img Image) bool {
		return own && img.Slug != "" || kind != "" && (img.Slug == "" || img.Application != (kind == "application"))
	})
	return page(c, r, "images", found, func(img Image) map[string]any { return c.renderImage(img.key()) })
}

func (c *Cloud) getImage(r *request) reply {
	img, ok := c.image(r.PathValue("image"))
	if !ok {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{"image": c.renderImage(img.key())}}
}

// image finds by slug or decimal id.
func (c *Cloud) image(want string) (Image, bool) {
	all := c.images()
	i := slices.IndexFunc(all, func(i Image) bool { return i.Slug == want || strconv.Itoa(i.ID) == want })
	if want == "" || i < 0 {
		return Image{}, false
	}
	return all[i], true
}

// renderImage is the image of a slug or a decimal id; one that was deleted since has none of what it had.
func (c *Cloud) renderImage(key string) map[string]any {
	img, _ := c.image(key)
	kind, taken, slug := "base", time.Date(2025, 1, 14, 9, 0, 0, 0, time.UTC), any(img.Slug)
	if img.Application {
		kind = "snapshot"
	}
	if img.Slug == "" {
		kind, taken, slug = "snapshot", img.Taken, nil
	}
	return map[string]any{
		"id": img.ID, "name": img.Name, "type": kind, "distribution": img.Distribution, "slug": slug, "public": img.Slug != "",
		"regions": c.opts.Regions, "created_at": stamp(taken), "min_disk_size": img.MinDiskGB,
		"size_gigabytes": 2.5, "description": img.Name, "tags": []string{}, "status": "available",
	}
}

func (c *Cloud) listVPCs(r *request) reply {
	return page(c, r, "vpcs", c.vpcs, vpc.render)
}

func (c *Cloud) getVPC(r *request) reply {
	v := c.vpcByID(r.PathValue("vpc"))
	if v == nil {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{"vpc": v.render()}}
}

func (v vpc) render() map[string]any {
	return map[string]any{
		"id": v.ID, "urn": "do:vpc:" + v.ID, "name": v.Name, "description": "", "region": v.Region,
		"ip_range": v.pool.prefix.String(), "created_at": stamp(v.Created), "default": true,
	}
}
