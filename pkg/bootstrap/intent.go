package bootstrap

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Record is the write-ahead record of the one create that happens before there is a store to write it into.
type Record struct {
	OpID    string    `json:"op_id"`
	Started time.Time `json:"started"` // of the last send
	Sent    bool      `json:"sent"`
}

// Records keeps the records of clusters for longer than a process lives.
type Records interface {
	Open(cluster string) (Record, error) // a new one if there is none
	Send(cluster string) (Record, error) // marked as sent before the request leaves
	Close(cluster string) error          // forgets it
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

// Send marks the record as sent, durably, before the request leaves.
func (i Intent) Send(cluster string) (Record, error) {
	r, err := i.Open(cluster)
	if err != nil {
		return r, err
	}
	r.Sent, r.Started = true, time.Now()
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
