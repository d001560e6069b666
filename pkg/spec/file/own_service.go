package file

import "github.com/swarmd/swarmd/pkg/spec"

// ownServiceKey is the extension of a Compose service that is swarmd's own.
const ownServiceKey = "x-swarmd"

// ownServices notes what the file has swarmd do otherwise with a service.
func (w *walker) ownServices(s *spec.Spec) {
	note := func(at *map[string]bool, name string) {
		if *at == nil {
			*at = map[string]bool{}
		}
		(*at)[name] = true
	}
	for _, f := range w.services {
		own := section(f.values, ownServiceKey)
		if move, said := own["rebalance"].(bool); said && !move {
			note(&s.NoRebalance, w.full(f.name))
		}
		if own["resolve"] == resolveBestEffort {
			note(&s.BestEffort, w.full(f.name))
		}
		protect, said := own["protect"].(bool)
		if protect || !said && s.ProtectsStack(w.namespace) {
			note(&s.Protected, w.full(f.name))
		}
	}
}

// resolveBestEffort is the value of x-swarmd.resolve with which a tag alone is good enough.
const resolveBestEffort = "best-effort"
