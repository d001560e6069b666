package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// writeSeed writes into a machine's disk what differs from droplet to droplet: the NoCloud seed with user-data, names and keys, the
// name service, the size of its memory.
func writeSeed(root string, m docean.Machine, gateway string) error {
	meta, err := yaml.Marshal(map[string]any{
		"instance-id": strconv.Itoa(m.ID), "local-hostname": m.Name, "public-keys": m.SSHKeys,
	})
	if err != nil {
		return fmt.Errorf("write seed: %w", err)
	}
	userData := m.UserData
	if userData == "" {
		userData = "#cloud-config\n{}\n"
	}
	seed := filepath.Join(root, "var/lib/cloud/seed/nocloud")
	if err := os.MkdirAll(seed, 0o700); err != nil {
		return fmt.Errorf("write seed: %w", err)
	}
	hosts := fmt.Sprintf("127.0.0.1 localhost\n127.0.1.1 %s\n%s %s\n", m.Name, gateway, registryName())
	err = errors.Join(
		os.WriteFile(filepath.Join(seed, "user-data"), []byte(userData), 0o600),
		os.WriteFile(filepath.Join(seed, "meta-data"), meta, 0o600),
		replaceFile(filepath.Join(root, "etc/hosts"), hosts),
		replaceFile(filepath.Join(root, "etc/hostname"), m.Name+"\n"),
		replaceFile(filepath.Join(root, "etc/resolv.conf"), "nameserver "+gateway+"\n"),
		replaceFile(filepath.Join(root, meminfoFile), meminfo(m.MemoryMB)),
	)
	if err != nil {
		return fmt.Errorf("write seed: %w", err)
	}
	return nil
}

// meminfoFile is what the engine reads in place of /proc/meminfo.
const meminfoFile = "etc/lab-meminfo"

// replaceFile writes a file, never through a symbolic link that the image has in its place.
func replaceFile(path, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func registryName() string {
	name, _, _ := strings.Cut(RegistryAddr, ":")
	return name
}

// meminfo is a /proc/meminfo of a machine of that size. Only the size is true: how much of it is free is made up, and stays.
func meminfo(mb int) string {
	var b strings.Builder
	total := mb << 10
	for _, line := range []struct {
		name string
		kB   int
	}{
		{"MemTotal", total}, {"MemFree", total / 2}, {"MemAvailable", total / 2}, {"Buffers", 0}, {"Cached", 0}, {"SwapCached", 0},
		{"SwapTotal", 0}, {"SwapFree", 0}, {"Shmem", 0}, {"SReclaimable", 0},
	} {
		_, _ = fmt.Fprintf(&b, "%-16s%8d kB\n", line.name+":", line.kB)
	}
	return b.String()
}

// cpuList picks that many of the host's CPUs for a droplet, other ones for the next droplet; all of them when it wants more.
func cpuList(id, vcpus int) string { return cpuListOf(id, vcpus, runtime.NumCPU()) }

func cpuListOf(id, vcpus, cpus int) string {
	picked := make([]string, 0, vcpus)
	for i := range min(max(vcpus, 1), cpus) {
		picked = append(picked, strconv.Itoa((id+i)%cpus))
	}
	return strings.Join(picked, ",")
}
