package spec

import "time"

// DefaultMemory is how much memory swarmd itself may have, in bytes, unless the file says otherwise. Reading the largest file takes 256 MB, and a
// large cluster as much again.
const DefaultMemory = 512 << 20

// How long a machine has from being active to having joined, with an image that has Docker and with one that has not.
const (
	joinWithDocker = 10 * time.Minute
	joinWithout    = 15 * time.Minute
)

// DefaultPolicies are the policies of a file that has none.
func DefaultPolicies() Policies {
	return Policies{
		CreateVisible:   5 * time.Minute,
		ActiveTimeout:   5 * time.Minute,
		DrainTimeout:    5 * time.Minute,
		ShutdownTimeout: 2 * time.Minute,
		ServicesWait:    5 * time.Minute,
		MaxCreates:      10,
		Resync:          30 * time.Second,

		Repair: Repair{Worker: 5 * time.Minute, Manager: 10 * time.Minute, PowerOn: []time.Duration{0, time.Minute, 5 * time.Minute}, Gone: time.Minute, LaunchTries: 3},

		ProgressDeadline: 10 * time.Minute,
		Bake:             30 * time.Second,

		ForeignNodes:      DrainNew,
		RotateWorkerToken: true,
	}
}
