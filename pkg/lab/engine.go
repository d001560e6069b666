package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Engine is the Docker release that a lab's droplets run, by its first two numbers.
type Engine string

// The engines that a lab can be ordered with. The first two are the docker.io of a Debian release. Engine28 is what Debian's unstable
// has, unpacked over Debian 13: its real release is what Status tells.
const (
	Engine20 Engine = "20.10"
	Engine26 Engine = "26.1"
	Engine28 Engine = "28.5"
)

// DefaultEngine is what droplets run when nothing else is said.
const DefaultEngine = Engine26

// Engines are all of them, the oldest first.
func Engines() []Engine { return []Engine{Engine20, Engine26, Engine28} }

// ParseEngine reads an engine's name; "" is the default.
func ParseEngine(s string) (Engine, error) {
	if s == "" {
		return DefaultEngine, nil
	}
	if e := Engine(s); slices.Contains(Engines(), e) {
		return e, nil
	}
	var names []string
	for _, e := range Engines() {
		names = append(names, string(e))
	}
	last := len(names) - 1
	return "", fmt.Errorf("the lab has no engine %q: choose %s or %s", s, strings.Join(names[:last], ", "), names[last])
}

// UnmarshalText is ParseEngine, for flags and files.
func (e *Engine) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEngine(string(text))
	return err
}

// MarshalText is the engine's name.
func (e Engine) MarshalText() ([]byte, error) { return []byte(e), nil }

// EngineVersion is what the engine's own binary says of itself, and how its image came about.
type EngineVersion struct {
	Engine  Engine    `json:"engine"`
	Release string    `json:"release"` // such as "26.1.5+dfsg1"
	API     string    `json:"api"`     // the newest API version it speaks, such as "1.45"
	Debian  string    `json:"debian"`  // the suite that it comes from
	Built   time.Time `json:"built"`   // the image
	Seconds int       `json:"seconds"` // that it took
}

func (v EngineVersion) String() string {
	return fmt.Sprintf("engine %s: Docker %s (API %s) of Debian %s, its image built on %s in %d s",
		v.Engine, v.Release, v.API, v.Debian, v.Built.Format(time.DateOnly), v.Seconds)
}

// recipe is what an engine's image is made of.
type recipe struct {
	engine   Engine
	suite    string   // of Debian
	packages []string // beside those that every image has
	over     string   // a suite whose engine is unpacked over the image; "" is none
}

func recipeOf(e Engine) (recipe, error) {
	e, err := ParseEngine(string(e))
	if err != nil {
		return recipe{}, err
	}
	switch e {
	case Engine20:
		return recipe{engine: e, suite: "bookworm"}, nil
	case Engine28:
		return recipe{engine: e, suite: "trixie", packages: cliOfItsOwn(), over: "unstable"}, nil
	default:
		return recipe{engine: e, suite: "trixie", packages: cliOfItsOwn()}, nil
	}
}

// cliOfItsOwn is what Debian took out of docker.io in its release 13.
func cliOfItsOwn() []string { return []string{"docker-cli"} }

// origin is the suite that the engine comes from.
func (r recipe) origin() string {
	if r.over != "" {
		return r.over
	}
	return r.suite
}
