package docker

import (
	"errors"
	"fmt"
	"slices"

	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/docker/docker/api/types/mount"
)

func (s stack) mounts(volumes []composetypes.ServiceVolumeConfig) ([]mount.Mount, error) {
	out := make([]mount.Mount, 0, len(volumes))
	for _, v := range volumes {
		m, err := s.mount(v)
		if err != nil {
			return nil, fmt.Errorf("volume at %s: %w", v.Target, err)
		}
		out = append(out, m)
	}
	return out, nil
}

func (s stack) mount(v composetypes.ServiceVolumeConfig) (mount.Mount, error) {
	if err := checkMount(v); err != nil {
		return mount.Mount{}, err
	}
	m := mount.Mount{Type: mount.Type(v.Type), Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly, Consistency: mount.Consistency(v.Consistency)}
	switch m.Type {
	case mount.TypeVolume, "":
		return s.volume(m, v)
	case mount.TypeCluster:
		m.ClusterOptions = &mount.ClusterOptions{}
		return s.clusterVolume(m)
	}
	if v.Bind != nil {
		m.BindOptions = &mount.BindOptions{Propagation: mount.Propagation(v.Bind.Propagation)}
	}
	if v.Tmpfs != nil {
		m.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: v.Tmpfs.Size}
	}
	if v.Image != nil {
		m.ImageOptions = &mount.ImageOptions{Subpath: v.Image.Subpath}
	}
	return m, nil
}

// volume is a named volume, in the stack's scope unless the file gives it a name of its own; without a source it is an anonymous one.
func (s stack) volume(m mount.Mount, v composetypes.ServiceVolumeConfig) (mount.Mount, error) {
	if v.Source == "" {
		return m, nil
	}
	declared, err := s.declaredVolume(&m)
	if err != nil {
		return m, err
	}
	m.VolumeOptions = &mount.VolumeOptions{}
	if v.Volume != nil {
		m.VolumeOptions.NoCopy, m.VolumeOptions.Subpath = v.Volume.NoCopy, v.Volume.Subpath
	}
	if declared.External.External {
		return m, nil
	}
	m.VolumeOptions.Labels = s.labelled(declared.Labels)
	if declared.Driver != "" || declared.DriverOpts != nil {
		m.VolumeOptions.DriverConfig = &mount.Driver{Name: declared.Driver, Options: declared.DriverOpts}
	}
	return m, nil
}

// clusterVolume is a CSI volume; a group of them ("group:NAME") has no scope.
func (s stack) clusterVolume(m mount.Mount) (mount.Mount, error) {
	if len(m.Source) >= 6 && m.Source[:6] == "group:" {
		return m, nil
	}
	_, err := s.declaredVolume(&m)
	return m, err
}

// declaredVolume finds the mount's source in the file and gives it its name in the swarm.
func (s stack) declaredVolume(m *mount.Mount) (composetypes.VolumeConfig, error) {
	declared, ok := s.file.Volumes[m.Source]
	if !ok {
		return declared, fmt.Errorf("undefined volume %q", m.Source)
	}
	if m.Source = s.scope(m.Source); declared.Name != "" {
		m.Source = declared.Name
	}
	return declared, nil
}

// checkMount refuses options that belong to another type of mount, and a missing or superfluous source.
func checkMount(v composetypes.ServiceVolumeConfig) error {
	kind := mount.Type(v.Type)
	if kind == "" {
		kind = mount.TypeVolume
	}
	known := []mount.Type{mount.TypeVolume, mount.TypeBind, mount.TypeTmpfs, mount.TypeImage, mount.TypeNamedPipe, mount.TypeCluster}
	switch {
	case !slices.Contains(known, kind):
		return fmt.Errorf("unknown mount type %q", v.Type)
	case kind == mount.TypeTmpfs && v.Source != "":
		return errors.New("a tmpfs has no source")
	case kind != mount.TypeTmpfs && kind != mount.TypeVolume && v.Source == "":
		return fmt.Errorf("a mount of type %s needs a source", kind)
	}
	return checkOptions(kind, v)
}

func checkOptions(kind mount.Type, v composetypes.ServiceVolumeConfig) error {
	for _, o := range []struct {
		given bool
		name  string
		fits  []mount.Type
	}{
		{v.Bind != nil, "bind", []mount.Type{mount.TypeBind, mount.TypeNamedPipe}},
		{v.Volume != nil, "volume", []mount.Type{mount.TypeVolume}},
		{v.Tmpfs != nil, "tmpfs", []mount.Type{mount.TypeTmpfs}},
		{v.Image != nil, "image", []mount.Type{mount.TypeImage}},
		{v.Cluster != nil, "cluster", []mount.Type{mount.TypeCluster}},
	} {
		if o.given && !slices.Contains(o.fits, kind) {
			return fmt.Errorf("%s options do not fit a mount of type %s", o.name, kind)
		}
	}
	return nil
}
