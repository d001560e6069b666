package file

import "gopkg.in/yaml.v3"

// ClusterOf is the cluster that a file names, as far as it can be told of one with faults, and its faults.
func ClusterOf(file string, data []byte) (string, error) {
	parsed, _, err := Parse(file, data)
	if err == nil {
		return parsed.Cluster, nil
	}
	var name struct{ Cluster string }
	if len(data) <= MaxSize {
		_ = yaml.Unmarshal(data, &name) // faults are told by the loop; here only the name counts
	}
	return name.Cluster, err
}
