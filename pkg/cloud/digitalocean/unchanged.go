package digitalocean

import (
	"context"
	"sync"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/internal/respcache"
)

// pages are the last answers to a listing of droplets, as they came and as what they mean: while nothing happens the API says the same again and
// again, and a droplet is two kilobytes of JSON. Only the answer of this moment is ever believed: what is kept saves its decoding.
type pages struct {
	mu   sync.Mutex
	kept map[string]kept // by tag and page

	common *Common
}

// Common is what the clients of one program share: what droplets mean, by the text that the API gave. The zero value is ready.
type Common struct {
	droplets respcache.Common[godo.Droplet]
}

type kept struct {
	mark     []byte
	droplets []godo.Droplet
	known    map[string]godo.Droplet // by the text that said so
	resp     *godo.Response
}

// What is kept: so many pages, 200 droplets each, of so many bytes. One cluster has a few of 1 MB.
const (
	maxKept     = 16
	maxKeptPage = 2 << 20
)

// unlessSame makes the call, or returns what it returned the last time if the API says the same, byte for byte.
func (p *pages) unlessSame(ctx context.Context, key string, list func(context.Context) ([]godo.Droplet, *godo.Response, error)) ([]godo.Droplet, *godo.Response, error) {
	p.mu.Lock()
	was := p.kept[key]
	p.mu.Unlock()
	ctx, now := respcache.Watch(ctx, was.mark)
	page := respcache.List[godo.Droplet]{Known: was.known}
	if p.common != nil {
		page.Common = &p.common.droplets
	}
	respcache.Cut(ctx, func(body []byte) []byte { return fresh(&page, string(body)) })
	droplets, resp, err := list(ctx)
	if err != nil {
		return nil, resp, err
	}
	if now.Same() {
		return was.droplets, was.resp, nil
	}
	droplets, known, err := page.Whole(droplets)
	if err != nil {
		return nil, resp, malformed(err.Error())
	}
	if len(now.Mark()) > maxKeptPage {
		return droplets, resp, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil || len(p.kept) >= maxKept {
		p.kept = map[string]kept{}
	}
	p.kept[key] = kept{now.Mark(), droplets, known, resp}
	return droplets, resp, nil
}

// one makes a call for one droplet, which is not decoded if its text came before in a list or an answer that is shared.
func (p *pages) one(ctx context.Context, get func(context.Context) (*godo.Droplet, error)) (*godo.Droplet, error) {
	if p.common == nil {
		return get(ctx)
	}
	var text string
	var known godo.Droplet
	ctx, now := respcache.Watch(ctx, nil)
	now.Known(func(mark []byte) (ok bool) {
		if text = dropletOf(string(mark)); text != "" { // the mark of so short an answer is its text
			known, ok = p.common.droplets.Get(text)
		}
		return ok
	})
	d, err := get(ctx)
	switch {
	case err != nil:
		return nil, err
	case now.Same():
		return &known, nil
	case d != nil && text != "":
		p.common.droplets.Put(text, *d)
	}
	return d, nil
}

// dropletOf is the text of the droplet in an answer that has nothing else, "" of any other.
func dropletOf(body string) (text string) {
	n := 0
	ok := respcache.Members(body, func(name, value string) {
		if n++; name == "droplet" {
			text = value
		}
	})
	if !ok || n != 1 {
		return ""
	}
	return text
}

// fresh is a page without the droplets that are known, nil if it cannot be told.
func fresh(page *respcache.List[godo.Droplet], body string) []byte {
	var out []byte
	listed := true
	ok := respcache.Members(body, func(name, value string) {
		if name == "droplets" && listed {
			value, listed = page.Fresh(value)
		}
		out = append(append(append(append(out, ',', '"'), name...), '"', ':'), value...)
	})
	if !ok || !listed || len(out) == 0 {
		page.Reset()
		return nil
	}
	out[0] = '{'
	return append(out, '}')
}
