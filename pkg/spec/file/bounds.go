package file

// MaxSize is the largest file in bytes. Each accepted file is kept as a Docker config, which holds 1,000 kB.
const MaxSize = 900_000

// Limits on what a small file can make the parser do: aliases copy what they name, so a few lines could stand for millions of values.
const (
	maxValues  = 200_000
	maxDepth   = 50
	maxText    = 1_000_000 // bytes of all keys and scalars, aliases followed and variables filled in
	maxScalar  = 64_000    // bytes of one scalar, variables filled in: half of what Linux takes as one argument of a command
	maxFaults  = 500       // that are told
	maxKept    = 10 * maxFaults
	maxMessage = 1_000 // characters
	maxNear    = 200   // names among which a nearest one is looked for
)

// Bounds of the counts in a file.
const (
	maxManagers    = 7 // Docker's own advice: more managers slow Raft down and protect no better
	maxPoolCount   = 500
	maxReplicas    = 10_000
	maxPools       = 100
	maxPublished   = 256   // ports that one service may publish, a range written out
	maxPorts       = 1_000 // ports of all services
	maxConstraints = 100   // of a service
	maxStacks      = 100
	maxStackFiles  = 20 // Compose files of a stack, and files of variables
	maxCluster     = 30
	maxPool        = 30
	maxPath        = 4096
	maxHostname    = 63 // of a droplet, and of a service's name in DNS
	opSuffixChars  = 6  // "-abcde", the end of a droplet's name
)

// leastMemory is the least that a file may give swarmd itself, in bytes, see spec.DefaultMemory.
const leastMemory = 384 << 20
