package file

import (
	"cmp"
	"reflect"
	"slices"

	composetypes "github.com/docker/cli/cli/compose/types"
)

// Parser parses a file that is edited again and again. It keeps what Docker's loader made of each service: on a file with hundreds of them
// that is most of the work, and an edit changes few. A Document may share services with those parsed before. A Parser is not safe for concurrent use; its zero value is ready.
type Parser struct {
	loaded map[string]loaded // by name, of the last file that was good
}

type loaded struct {
	values any // what the rules read
	config composetypes.ServiceConfig
}

// Parse is the function Parse, quicker for a file of which most was parsed before.
func (p *Parser) Parse(file string, data []byte) (*Document, []Fault, error) {
	w := &walker{file: file, variables: map[string]string{}, parser: p}
	s := w.parse(data)
	size := extentOf(data[:min(len(data), MaxSize)])
	warnings := w.warnings.ordered(size)
	if w.faults.found > 0 {
		return nil, warnings, Faults(w.faults.ordered(size))
	}
	return s, warnings, nil
}

// load has the services loaded that are not known yet. The loader looks at each by itself.
func (p *Parser) load(services, networks, volumes map[string]any) (*composetypes.Config, error) {
	now, fresh := map[string]loaded{}, map[string]any{}
	for name, values := range services {
		if known, ok := p.loaded[name]; ok && reflect.DeepEqual(known.values, values) {
			now[name] = known
		} else {
			fresh[name] = values
		}
	}
	config, err := load(fresh, networks, volumes)
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
	p.loaded = now
	return config, nil
}
