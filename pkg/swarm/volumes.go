package swarm

import (
	"maps"
	"slices"
)

// Volumes returns the names of the volumes that a service's tasks keep on the machine where they run, sorted: the named ones of the engine's own driver.
// What another driver makes may be anywhere.
func (f Form) Volumes() []string {
	names := map[string]bool{}
	for _, mount := range elementsOf(f, "TaskTemplate.ContainerSpec.Mounts[") {
		driver := mount["VolumeOptions.DriverConfig.Name"]
		if mount["Type"] == "volume" && mount["Source"] != "" && (driver == "" || driver == "local") {
			names[mount["Source"]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// RollOut says how a roll-out of the service replaces its tasks, in the words of update_config.
func (f Form) RollOut() string {
	text := "one at a time"
	switch n := f["UpdateConfig.Parallelism"]; n {
	case "", "1":
	case "0":
		text = "all at once"
	default:
		text = n + " at a time"
	}
	if f["UpdateConfig.Order"] == "start-first" {
		text += ", each new one before its old one stops"
	} else {
		text += ", each old one stopped before its new one starts"
	}
	if delay := f["UpdateConfig.Delay"]; delay != "" && delay != "0" {
		text += ", " + duration(delay) + " apart"
	}
	switch f["UpdateConfig.FailureAction"] {
	case "rollback":
		return text + "; if one fails, all go back"
	case "continue":
		return text + "; if one fails, the others follow all the same"
	}
	return text + "; if one fails, it stops there"
}
