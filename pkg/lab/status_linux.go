package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// Serve runs a lab until the context ends, then takes it down. ready, which may be nil, is called once it can be used.
func Serve(ctx context.Context, o Options, ready func(Status)) error {
	l, err := Up(ctx, o)
	if err != nil {
		return err
	}
	if ready != nil {
		ready(l.Status())
	}
	<-ctx.Done()
	return l.Close()
}

// Down ends the lab of that directory, whoever serves it or whatever a crashed one left, and with image the cached image too. It is
// no error when there is none. Otherwise only the image and an empty lock file stay.
func Down(ctx context.Context, o Options, image bool) error {
	o = o.withDefaults()
	if os.Geteuid() != 0 {
		return errors.New("lab down needs root")
	}
	if !exists(o.Dir) {
		return nil
	}
	unlock, err := takeOver(ctx, o.Dir)
	if err != nil {
		return fmt.Errorf("lab down: %w", err)
	}
	defer unlock()
	err = sweep(ctx, o.Dir)
	if image {
		err = errors.Join(err, removeTree(o.ImageDir))
		_ = os.Remove(filepath.Join(o.Dir, "lock"))
		_ = os.Remove(o.Dir) // unless somebody put something there
	}
	if err != nil {
		return fmt.Errorf("lab down: %w", err)
	}
	return nil
}

// takeOver asks the serving process to end and waits for its lock.
func takeOver(ctx context.Context, dir string) (unlock func(), err error) {
	if s, err := readState(dir); err == nil && s.PID != os.Getpid() {
		if p, ok := readProcess(s.PID); ok && p.start == s.StartTime {
			_ = unix.Kill(s.PID, unix.SIGTERM)
		}
	}
	return lockFile(ctx, filepath.Join(dir, "lock"))
}

// ReadStatus tells what the lab of that directory (default DefaultDir) has; ErrNotRunning when nobody serves it.
func ReadStatus(dir string) (Status, error) {
	s, err := readState(Options{Dir: dir}.withDefaults().Dir)
	if errors.Is(err, os.ErrNotExist) {
		return Status{}, ErrNotRunning
	}
	if err != nil {
		return Status{}, fmt.Errorf("read status: %w", err)
	}
	if p, ok := readProcess(s.PID); !ok || p.start != s.StartTime {
		return Status{}, fmt.Errorf("%w: process %d that served it is gone; the next start sweeps up after it", ErrNotRunning, s.PID)
	}
	for i, d := range s.Droplets {
		s.Droplets[i].Init = initOf(d.Nspawn)
	}
	return s, nil
}

// Wait returns the status of a lab that another process is just starting, as soon as it can be used.
func Wait(ctx context.Context, dir string) (s Status, err error) {
	waited := until(ctx, "the lab", func() bool {
		s, err = ReadStatus(dir)
		return err == nil
	})
	if waited != nil {
		return Status{}, errors.Join(waited, err)
	}
	return s, nil
}

func readState(dir string) (Status, error) {
	text, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err != nil {
		return Status{}, err
	}
	var s Status
	return s, json.Unmarshal(text, &s)
}

// publish lets other processes see the lab, now and after every change.
func (l *Lab) publish() error {
	if err := l.writeStatus(); err != nil {
		return err
	}
	l.written = make(chan struct{})
	go func() {
		defer close(l.written)
		for {
			select {
			case <-l.leaving:
				return
			case <-l.changed:
			}
			if err := l.writeStatus(); err != nil {
				l.opts.Log.Error("status", zap.Error(err))
			}
		}
	}()
	return nil
}

// unpublish returns when the status will not be written again.
func (l *Lab) unpublish() {
	close(l.leaving)
	if l.written != nil {
		<-l.written
	}
}

// change notes that the status is to be written; several changes may be written as one.
func (l *Lab) change() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// writeStatus writes a file that is as secret as the lab's token in it.
func (l *Lab) writeStatus() error {
	text, err := json.MarshalIndent(l.Status(), "", "  ")
	if err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	path := filepath.Join(l.opts.Dir, "state.json")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return os.Rename(path+".new", path)
}

// Command prepares a command in the data centre, where a laptop would be: it reaches the droplets' public addresses and the API, at
// the same URL as on the host. The environment points DigitalOcean's clients there.
func Command(ctx context.Context, dir string, argv ...string) (*exec.Cmd, error) {
	s, err := ReadStatus(dir)
	if err != nil {
		return nil, err
	}
	args := append([]string{"--net=" + netnsPath(s.DataCentre), "--"}, argv...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = append(os.Environ(), s.Environ()...)
	return cmd, nil
}
