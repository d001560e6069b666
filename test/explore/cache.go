package explore

import (
	"encoding/json"
	"sync"

	"github.com/swarmd/swarmd/internal/respcache"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// Explorer plays plans. It is safe for concurrent use; nothing of one run reaches another but what texts mean, files and answers, which are read
// only once: reading a file takes longer than all else of a short run.
type Explorer struct {
	mu       sync.Mutex
	files    map[string]*readFile
	openings map[string]*opening // by the text of a plan without faults
	engines  docker.Common       // what answers mean: most of a run are those of others, word by word
	clouds   digitalocean.Common
	boots    respcache.Common[string] // user-data, by what it is rendered from
}

type readFile struct {
	document *specfile.Document
	err      error
	stack    swarm.Stack
	fault    error // of the conversion
}

// New returns an explorer.
func New() *Explorer {
	return &Explorer{files: map[string]*readFile{}, openings: map[string]*opening{}}
}

func (e *Explorer) read(name string, data []byte) *readFile {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := name + "\x00" + string(data)
	f := e.files[key]
	if f == nil {
		f = &readFile{}
		if f.document, _, f.err = specfile.Parse(name, data); f.err == nil {
			f.stack, f.fault = docker.ConvertFile(&f.document.Spec, f.document.Stack, f.document.Composed)
		}
		e.files[key] = f
	}
	return f
}

// render writes user-data, as userdata.Render does.
func (e *Explorer) render(p userdata.Params) (string, error) {
	key, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	if text, known := e.boots.Get(string(key)); known {
		return text, nil
	}
	text, err := userdata.Render(p)
	if err == nil {
		e.boots.Put(string(key), text)
	}
	return text, err
}

// parse reads a file, as file.Parse does.
func (e *Explorer) parse(name string, data []byte) (*specfile.Document, error) {
	f := e.read(name, data)
	return f.document, f.err
}

// check is parse as the loop has it. The explorer's files are warned of nothing that matters here.
func (e *Explorer) check(name string, data []byte) (*specfile.Document, []specfile.Fault, error) {
	d, err := e.parse(name, data)
	return d, nil, err
}

// convert is the stack of a file that parse has returned.
func (e *Explorer) convert(d *specfile.Document) (swarm.Stack, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.files {
		if f.document == d {
			return f.stack, f.fault
		}
	}
	return docker.ConvertFile(&d.Spec, d.Stack, d.Composed)
}
