// Package digitalocean is the adapter to DigitalOcean's API v2 and the only importer of godo. It decides what an answer means: a
// listing is complete or an error, a failed call has a Kind, an answer without an id is no droplet. It keeps the API's rate limits
// and a deadline on every call, repeats reads that failed for a passing reason, and never repeats a write.
//
// It must not decide what should exist, remember droplets between calls, or let the token into any text.
package digitalocean
