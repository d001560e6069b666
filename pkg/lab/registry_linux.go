package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

const registryConfig = `version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
http: {addr: %q}
`

// registryBehind is where docker-registry itself listens, in the data centre, behind the gate.
const registryBehind = "127.0.0.1:5001"

// startRegistry runs Debian's docker-registry in the data centre. Without that package there is no registry, and Status says so.
func (l *Lab) startRegistry(ctx context.Context) error {
	if _, err := exec.LookPath("docker-registry"); err != nil {
		l.opts.Log.Warn("no registry: the package docker-registry is not installed")
		return nil
	}
	config := filepath.Join(l.opts.Dir, "registry.yml")
	text := fmt.Sprintf(registryConfig, filepath.Join(l.opts.Dir, "registry"), registryBehind)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return fmt.Errorf("start registry: %w", err)
	}
	log, err := os.Create(filepath.Join(l.opts.Dir, "registry.log"))
	if err != nil {
		return fmt.Errorf("start registry: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("nsenter", "--net="+netnsPath(l.net.dataCentre()), "--", "docker-registry", "serve", config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start registry: %w", err)
	}
	l.registry = cmd
	l.status.Registry = RegistryAddr
	if err := l.registryUp(ctx); err != nil {
		return err
	}
	return l.serveRegistry(ctx, registryBehind)
}

func (l *Lab) registryUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return until(ctx, "the registry", func() bool {
		c, err := dialIn(ctx, l.net.dataCentre(), registryBehind)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
}

func (l *Lab) stopRegistry() {
	if l.registry == nil {
		return
	}
	if err := l.registry.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		l.opts.Log.Error("stop registry", zap.Error(err))
	}
	_ = l.registry.Wait()
	l.registry = nil
}

// dataCentreClient speaks HTTP from inside the data centre, to literal addresses there.
func (l *Lab) dataCentreClient() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: l.dialDataCentre, DisableKeepAlives: true}}
}

func (l *Lab) dialDataCentre(ctx context.Context, _, addr string) (net.Conn, error) {
	return l.Dial(ctx, addr)
}
