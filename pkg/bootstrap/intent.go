package bootstrap

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
)

// Record is the write-ahead record of the one create that happens before there is a store to write it into.
type Record struct {
	OpID    string    `json:"op_id"`
	Started time.Time `json:"started"` // of the last send
	Sent    bool      `json:"sent"`
	// HostKeys are the public ssh host keys that the machine may have, one of each create that was sent: which of them had an effect is not known
	// when an answer was lost. Lines "ssh-ed25519 BASE64"; the private keys are kept nowhere. Records of older versions have none.
	HostKeys []string `json:"host_keys,omitempty"`
}

// Records keeps the records of clusters for longer than a process lives.
type Records interface {
	Open(cluster string) (Record, error)          // a new one if there is none
	Send(cluster, hostKey string) (Record, error) // marked as sent before the request leaves, with the public host key that it carries, "" for none
	Close(cluster string) error                   // forgets it
}

// Intent keeps the records of clusters as small files in a directory.
type Intent struct{ Dir string }

func (i Intent) path(cluster string) string { return filepath.Join(i.Dir, cluster+".bootstrap.json") }

// Open returns the cluster's record, a new one if there is none.
func (i Intent) Open(cluster string) (Record, error) {
	var r Record
	data, err := os.ReadFile(i.path(cluster))
	if errors.Is(err, fs.ErrNotExist) {
		r = Record{OpID: NewOpID()}
		return r, i.save(cluster, r)
	} else if err != nil {
		return r, err
	}
	return r, json.Unmarshal(data, &r)
}

// hostKeysOf returns the keys of which the droplet must show one, none if this record is about another droplet or knows no key.
func (r Record) hostKeysOf(d cloud.Droplet) []string {
	if d.OpID() != r.OpID {
		return nil
	}
	return r.HostKeys
}

// Send marks the record as sent, durably, before the request leaves, and adds the host key that the request carries, if it carries one. Written
// after it, the key of a machine would be lost with a run that dies in between, and the next run could only believe what it is shown.
func (i Intent) Send(cluster, hostKey string) (Record, error) {
	r, err := i.Open(cluster)
	if err != nil {
		return r, err
	}
	r.Sent, r.Started = true, time.Now()
	if hostKey != "" {
		r.HostKeys = append(r.HostKeys, hostKey)
	}
	return r, i.save(cluster, r)
}

// Close forgets the record: its create surely had no effect, or the cluster is gone.
func (i Intent) Close(cluster string) error {
	err := os.Remove(i.path(cluster))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (i Intent) save(cluster string, r Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(i.Dir, 0o700); err != nil {
		return err
	}
	tmp := i.path(cluster) + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, i.path(cluster))
}

// NewOpID returns a random operation id, 16 letters a–z.
func NewOpID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b[:])
}
