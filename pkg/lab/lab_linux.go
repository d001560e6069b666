package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// Lab is a running lab.
type Lab struct {
	// Cloud is the API's model: the truth about droplets, and the knobs for lags and limits.
	Cloud *docean.Cloud

	opts     Options
	status   Status
	net      network
	machines *machines
	servers  []*http.Server
	registry *exec.Cmd
	gate     *gate // before the registry
	unlock   func()
	changed  chan struct{} // something in Status changed
	leaving  chan struct{} // closed when the status is not to be written any more
	written  chan struct{} // closed when it is not
}

// Up starts a lab: sweeps away what a crashed one left in the same directory, builds the image if need be, wires the data centre and
// serves the API. It refuses while another lab is served from the directory. Close ends it.
func Up(ctx context.Context, o Options) (_ *Lab, err error) {
	o = o.withDefaults()
	if err := preflight(); err != nil {
		return nil, err
	}
	unlock, err := lockLab(o.Dir)
	if err != nil {
		return nil, err
	}
	l := &Lab{opts: o, unlock: unlock, net: network{tag: tagOf(o.Dir), public: o.Public}, changed: make(chan struct{}, 1), leaving: make(chan struct{})}
	if err := l.up(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("lab up: %w", err), l.Close())
	}
	return l, nil
}

func (l *Lab) up(ctx context.Context) error {
	if err := sweep(ctx, l.opts.Dir); err != nil {
		return err
	}
	image, err := BuildImage(ctx, l.opts)
	if err != nil {
		return err
	}
	if err := l.net.up(ctx); err != nil {
		return err
	}
	l.machines = &machines{
		dir: filepath.Join(l.opts.Dir, "droplets"), image: image, net: l.net, log: l.opts.Log, byID: map[int]*machine{},
		changed: l.change,
	}
	if err := l.newStatus(image); err != nil {
		return err
	}
	l.newCloud()
	for _, step := range []func(context.Context) error{l.serveAPI, l.serveMetadata, l.startRegistry, l.addKey} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return l.publish()
}

func (l *Lab) newStatus(image string) error {
	engine, err := readEngine(image)
	if err != nil {
		return err
	}
	token := l.opts.Token
	if token == "" {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails
		token = "dop_v1_" + hex.EncodeToString(b[:])
	}
	self, ok := readProcess(os.Getpid())
	if !ok {
		return errors.New("read own process: /proc is not mounted")
	}
	l.status = Status{
		PID: self.pid, StartTime: self.start, Dir: l.opts.Dir, Tag: l.net.tag, Token: token, DataCentre: l.net.dataCentre(),
		Started: time.Now(), Engine: engine,
	}
	return nil
}

func (l *Lab) newCloud() {
	o := docean.Options{
		Machines: l.machines, Token: l.status.Token, PublicCIDR: l.opts.Public, PrivateCIDR: l.opts.Private, Now: time.Now,
		OnError: func(err error) { l.opts.Log.Error("machine", zap.Error(err)) },
	}
	if l.opts.Cloud != nil {
		l.opts.Cloud(&o)
	}
	l.Cloud = docean.New(o)
}

// serveAPI serves the API on the host's loopback and, at the same port, on every address of the data centre.
func (l *Lab) serveAPI(ctx context.Context) error {
	outside, err := net.Listen("tcp4", l.opts.Listen)
	if err != nil {
		return fmt.Errorf("serve API: %w", err)
	}
	_, port, err := net.SplitHostPort(outside.Addr().String())
	if err != nil {
		return fmt.Errorf("serve API: %w", err)
	}
	l.status.APIURL = "http://" + outside.Addr().String()
	l.status.DropletURL = "http://" + l.net.at(port)
	l.serve(outside, l.Cloud)
	inside, err := listenIn(ctx, l.net.dataCentre(), "0.0.0.0:"+port)
	if err != nil {
		return fmt.Errorf("serve API in the data centre: %w", err)
	}
	l.serve(inside, l.Cloud)
	return nil
}

func (l *Lab) serve(on net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	l.servers = append(l.servers, s)
	go func() {
		if err := s.Serve(on); !errors.Is(err, http.ErrServerClosed) {
			l.opts.Log.Error("serve", zap.Error(err))
		}
	}()
}

// serveMetadata answers each droplet at 169.254.169.254 about itself, known by the address it asks from.
func (l *Lab) serveMetadata(ctx context.Context) error {
	on, err := listenIn(ctx, l.net.dataCentre(), metadataIP+":80")
	if err != nil {
		return fmt.Errorf("serve metadata: %w", err)
	}
	l.serve(on, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		id, ok := l.machines.at(from)
		if !ok {
			http.Error(w, "not a droplet", http.StatusNotFound)
			return
		}
		l.Cloud.MetadataHandler(id).ServeHTTP(w, r)
	}))
	return nil
}

// Close ends the lab and leaves nothing of it but the cached image. It may be called twice.
func (l *Lab) Close() error {
	if l.unlock == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, s := range l.servers {
		_ = s.Close()
	}
	var errs []error
	if l.machines != nil {
		errs = append(errs, l.machines.closeAll(ctx))
	}
	l.stopRegistry()
	l.unpublish()
	errs = append(errs, sweep(ctx, l.opts.Dir))
	l.unlock()
	l.unlock = nil
	return errors.Join(errs...)
}

// Status tells what is there.
func (l *Lab) Status() Status {
	s := l.status
	s.Droplets = l.machines.list()
	return s
}

func preflight() error {
	if os.Geteuid() != 0 {
		return errors.New("the lab needs root: it makes namespaces and mounts")
	}
	if missing := missingCommands(); len(missing) > 0 {
		return fmt.Errorf("the lab needs commands that this host lacks: %s", strings.Join(missing, ", "))
	}
	for _, c := range Capabilities() {
		if c.Needed && !c.OK {
			return fmt.Errorf("the lab needs %s: %s", c.Name, c.Effect)
		}
	}
	return nil
}

// lockLab takes the directory for this process; the kernel gives it back when the process ends, however it ends.
func lockLab(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the lab's directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the lab: %w", err)
	}
	if !tryLock(f) {
		_ = f.Close()
		return nil, fmt.Errorf("a lab is running in %s already", dir)
	}
	return func() { _ = f.Close() }, nil
}
