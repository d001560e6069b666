package docean

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// register makes the tag known to the account, as using it does.
func (c *Cloud) register(tag string) {
	if _, ok := c.tags[tag]; !ok {
		c.tags[tag] = c.now()
	}
}

func (c *Cloud) listTags(r *request) reply {
	names := slices.Sorted(maps.Keys(c.tags))
	return page(c, r, "tags", names, func(t string) map[string]any { return c.renderTag(t, r) })
}

func (c *Cloud) getTag(r *request) reply {
	if _, ok := c.tags[r.PathValue("tag")]; !ok {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{"tag": c.renderTag(r.PathValue("tag"), r)}}
}

// deleteTag takes the tag from the account and from all that carries it. What carries it stays.
func (c *Cloud) deleteTag(r *request) reply {
	tag := r.PathValue("tag")
	if _, ok := c.tags[tag]; !ok {
		return notFound()
	}
	for _, d := range c.droplets {
		d.untag(tag)
	}
	delete(c.tags, tag)
	return reply{status: http.StatusNoContent}
}

func (c *Cloud) createTag(r *request) reply {
	var req struct {
		Name string `json:"name"`
	}
	if rep, ok := r.decode(&req); !ok {
		return rep
	}
	if !tagChars.MatchString(req.Name) {
		return invalidTag(req.Name)
	}
	c.register(req.Name)
	return reply{http.StatusCreated, map[string]any{"tag": c.renderTag(req.Name, r)}}
}

// invalidTag has the other error form, which only the tag calls use.
func invalidTag(name string) reply {
	text := "Error validating resource tag: " + strconv.Quote(name) + " contains invalid characters"
	return reply{http.StatusBadRequest, map[string]any{
		"error": text, "messages": nil, "root_causes": []string{"rpc error: code = InvalidArgument desc = " + text},
	}}
}

func (c *Cloud) renderTag(name string, r *request) map[string]any {
	n := 0
	var last string
	for _, d := range c.droplets {
		if c.alive(d) && slices.Contains(d.shownTags(r.now), name) {
			n++
			last = "https://api.digitalocean.com/v2/droplets/" + strconv.Itoa(d.ID)
		}
	}
	count := map[string]any{"count": n, "last_tagged_uri": last}
	none := map[string]any{"count": 0}
	return map[string]any{"name": name, "resources": map[string]any{
		"count": n, "last_tagged_uri": last, "droplets": count,
		"images": none, "volumes": none, "volume_snapshots": none, "databases": none,
	}}
}

func (c *Cloud) tagResources(r *request) reply {
	return c.eachTagged(r, func(d *droplet, tag string) { d.tag(tag, r.now.Add(c.opts.TagDelay)) })
}

func (c *Cloud) untagResources(r *request) reply {
	return c.eachTagged(r, func(d *droplet, tag string) { d.untag(tag) })
}

func (c *Cloud) eachTagged(r *request, do func(*droplet, string)) reply {
	tag := r.PathValue("tag")
	if _, ok := c.tags[tag]; !ok {
		return notFound()
	}
	var req struct {
		Resources []struct {
			ID   string `json:"resource_id"`
			Type string `json:"resource_type"`
		} `json:"resources"`
	}
	if rep, ok := r.decode(&req); !ok {
		return rep
	}
	var found []*droplet
	for _, res := range req.Resources {
		id, err := strconv.Atoi(res.ID)
		if err != nil || res.Type != "droplet" || !c.alive(c.byID[id]) {
			return notFound()
		}
		found = append(found, c.byID[id])
	}
	for _, d := range found {
		do(d, tag)
	}
	return reply{status: http.StatusNoContent}
}
