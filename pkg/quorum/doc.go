// Package quorum brings a swarm back whose managers lost their majority for good. It decides whether that is so, what is known of each manager, and what
// goes when one of them goes on alone. It must not do so while a majority exists or may come back by itself, and never without a person.
package quorum
