package destroy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Lists are files on the machine of a person, each with the ids that one destroy was about to delete.
type Lists struct{ Dir string }

// have reports whether there is one of the cluster.
func (l Lists) have(cluster string) bool {
	before, _ := filepath.Glob(filepath.Join(l.Dir, cluster+".destroy-*.json")) // the pattern is well-formed
	return len(before) > 0
}

// Save writes the list to a file of its own, because the store goes with the cluster, and returns its path.
func (l Lists) Save(d Doomed) (string, error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return "", err
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(l.Dir, fmt.Sprintf("%s.destroy-%s.json", d.Cluster, d.At.Format("20060102T150405Z")))
	return path, os.WriteFile(path, append(data, '\n'), 0o600)
}
