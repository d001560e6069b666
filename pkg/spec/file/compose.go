package file

import (
	"fmt"

	"github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"
)

// load hands what the rules have read to the loader of `docker stack deploy`. The environment it gets is empty and the values are
// already filled in: left to itself it would put a variable in place of an environment entry that is empty on purpose.
func load(services, networks, volumes map[string]any) (config *composetypes.Config, err error) {
	defer func() {
		if p := recover(); p != nil { // the loader panics on types that its own schema lets through
			err = fmt.Errorf("the Compose loader failed: %v", p)
		}
	}()
	config, err = loader.Load(composetypes.ConfigDetails{
		ConfigFiles: []composetypes.ConfigFile{{Config: map[string]any{"services": services, "networks": networks, "volumes": volumes}}},
		Environment: map[string]string{},
	}, func(o *loader.Options) { o.SkipInterpolation = true })
	if err != nil {
		return nil, err
	}
	return config, nil
}

// stack loads the services, and finds the services that the loader does not take: its errors name no place.
func (w *walker) stack(root *node, values map[string]any) *composetypes.Config {
	services, networks, volumes := section(values, "services"), section(values, "networks"), section(values, "volumes")
	config, err := w.parser.load(services, networks, volumes)
	if err == nil {
		objects(config, values)
		return config
	}
	found := false
	for _, s := range w.services {
		if _, err := load(map[string]any{s.name: s.values}, networks, volumes); err != nil {
			found = true
			w.lacks(s.node, "%s", clip(err.Error()))
		}
	}
	if !found {
		w.lacks(root.get("services"), "%s", clip(err.Error()))
	}
	return nil
}
