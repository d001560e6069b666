package app

import (
	"context"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
)

// Prices returns what sizes cost, US dollars a month by size, as far as it is known. It never waits.
func (a *App) Prices() map[string]float64 {
	if a.options.Price != nil {
		return a.options.Price()
	}
	known := a.prices.now()
	if known == nil {
		return nil
	}
	prices := make(map[string]float64, len(known))
	for slug, s := range known {
		prices[slug] = s.PriceMonthly
	}
	return prices
}

// Sizes returns the sizes on offer by slug, as far as they are known. It never waits.
func (a *App) Sizes() map[string]cloud.Size {
	if a.options.Offer != nil {
		return a.options.Offer()
	}
	return a.prices.now()
}

// FetchPrices asks the cloud what sizes cost, and waits for the answer, 30 seconds at most. Without one, what was known stays.
func (a *App) FetchPrices() { a.prices.fetch() }

// prices keeps what sizes cost. It is asked on the loop's way and must not wait: a stale list is fetched beside it.
type prices struct {
	cloud *brake.Cloud

	mu    sync.Mutex
	known map[string]cloud.Size
	asked time.Time
}

// now returns what is known, by size, and has it fetched when it is a day old.
func (p *prices) now() map[string]cloud.Size {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cloud != nil && time.Since(p.asked) > 24*time.Hour {
		p.asked = time.Now()
		go p.fetch()
	}
	return p.known
}

func (p *prices) fetch() {
	if p.cloud == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	sizes, err := p.cloud.Sizes(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.asked = time.Now().Add(time.Hour - 24*time.Hour) // try again in an hour
		return
	}
	p.known = make(map[string]cloud.Size, len(sizes))
	for _, s := range sizes {
		p.known[s.Slug] = s
	}
}
