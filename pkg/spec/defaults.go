package spec

import "time"

// DefaultMemory is how much memory swarmd itself may have, in bytes, unless the file says otherwise. Reading the largest file takes 256 MB, and a
// large cluster as much again.
const DefaultMemory = 512 << 20

// DefaultPolicies are the policies of a file that has none.
func DefaultPolicies() Policies {
	return Policies{
		CreateVisible:   5 * time.Minute,
		LaunchTimeout:   10 * time.Minute,
		DrainTimeout:    5 * time.Minute,
		ShutdownTimeout: 2 * time.Minute,
		ServicesWait:    5 * time.Minute,
		MaxCreates:      10,
		Resync:          30 * time.Second,

		Repair: Repair{Worker: 5 * time.Minute, Manager: 10 * time.Minute},

		ForeignNodes:      DrainNew,
		RotateWorkerToken: true,
	}
}
