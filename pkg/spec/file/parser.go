package file

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	composetypes "github.com/docker/cli/cli/compose/types"
)

// Parser parses a file that is edited again and again. It keeps what Docker's loader made of each service: on a file with hundreds of them
// that is most of the work, and an edit changes few. A Document may share services with those parsed before. A Parser is not safe for concurrent use; its zero value is ready.
type Parser struct {
	loaded map[string]map[string]loaded // by stack and name, of the last file that was good
}

type loaded struct {
	values any // what the rules read
	config composetypes.ServiceConfig
}

// Parse is the function Parse, quicker for a file of which most was parsed before.
func (p *Parser) Parse(file string, data []byte) (*Document, []Fault, error) {
	w := newWalker(file, data[:min(len(data), MaxSize)])
	w.parser = p
	s := w.parse(data)
	warnings := w.warnings.ordered(w.sources)
	if w.faults.found > 0 {
		return nil, warnings, Faults(w.faults.ordered(w.sources))
	}
	return s, warnings, nil
}

// load has the services of a stack loaded that are not known yet. The loader looks at each by itself.
func (p *Parser) load(stack string, values map[string]any) (*composetypes.Config, error) {
	services := section(values, "services")
	now, fresh := map[string]loaded{}, map[string]any{}
	for name, one := range services {
		if known, ok := p.loaded[stack][name]; ok && reflect.DeepEqual(known.values, one) {
			now[name] = known
		} else {
			fresh[name] = one
		}
	}
	config, err := load(loadable(fresh, values))
	if err != nil {
		return nil, err
	}
	for _, made := range config.Services {
		now[made.Name] = loaded{services[made.Name], made}
	}
	config.Services = config.Services[:0]
	for _, s := range now {
		config.Services = append(config.Services, s.config)
	}
	slices.SortFunc(config.Services, func(a, b composetypes.ServiceConfig) int { return cmp.Compare(a.Name, b.Name) })
	if p.loaded == nil {
		p.loaded = map[string]map[string]loaded{}
	}
	p.loaded[stack] = now
	return config, nil
}

// forget drops what is known of stacks that the file has no more.
func (p *Parser) forget(stays []*walker) {
	maps.DeleteFunc(p.loaded, func(stack string, _ map[string]loaded) bool {
		return !slices.ContainsFunc(stays, func(w *walker) bool { return w.namespace == stack })
	})
}
