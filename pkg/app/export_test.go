package app

// Resolve is what Listen makes of an address.
var Resolve = (*App).resolve
