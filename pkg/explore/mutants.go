package explore

import (
	"slices"
)

// Mutants are all deliberate bugs. The names of incidents are rows of the fault catalogue (letter and number) and traps (T and number).
func Mutants() []Mutant {
	return slices.Concat(wireMutants(), cloudMutants(), engineMutants(), storeMutants(), inputMutants(), planMutants(), partMutants())
}

func mutantNamed(name string) (Mutant, bool) {
	for _, m := range Mutants() {
		if m.Name == name {
			return m, true
		}
	}
	return Mutant{}, name == ""
}
