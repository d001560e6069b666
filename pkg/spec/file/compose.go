package file

import (
	"fmt"

	"github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"
)

// load hands what the rules have read to the loader of `docker stack deploy`, which merges several files. The environment it gets is empty and the values
// are already filled in: left to itself it would put a variable in place of an environment entry that is empty on purpose.
func load(files ...map[string]any) (config *composetypes.Config, err error) {
	defer func() {
		if p := recover(); p != nil { // the loader panics on types that its own schema lets through
			err = fmt.Errorf("the Compose loader failed: %v", p)
		}
	}()
	details := composetypes.ConfigDetails{Environment: map[string]string{}}
	for _, f := range files {
		details.ConfigFiles = append(details.ConfigFiles, composetypes.ConfigFile{Config: f})
	}
	config, err = loader.Load(details, func(o *loader.Options) { o.SkipInterpolation = true })
	if err != nil {
		return nil, err
	}
	return config, nil
}

// loadable is what of a file's values the loader gets. Configs and secrets it does not: it would read paths, and knows no content.
func loadable(services map[string]any, values map[string]any) map[string]any {
	return map[string]any{"services": services, "networks": section(values, "networks"), "volumes": section(values, "volumes")}
}

// stack loads the services, and finds the services that the loader does not take: its errors name no place.
func (w *walker) stack() *composetypes.Config {
	config, err := w.loaded()
	if err == nil {
		objects(config, w.values)
		return config
	}
	found := false
	for _, s := range w.services {
		if _, err := load(loadable(map[string]any{s.name: s.values}, w.values)); err != nil {
			found = true
			w.lacks(s.node, "%s", clip(err.Error()))
		}
	}
	if !found {
		w.lacks(w.root.get("services"), "%s", clip(err.Error()))
	}
	return nil
}

// loaded is what the loader makes of the stack's files.
func (w *walker) loaded() (*composetypes.Config, error) {
	if len(w.parts) == 0 {
		return w.parser.load(w.namespace, w.values)
	}
	var files []map[string]any
	for _, part := range w.parts {
		files = append(files, loadable(section(part, "services"), part))
	}
	return load(files...)
}
