package explore

import (
	"slices"
)

// Mutants are all deliberate bugs. The names of incidents are rows of the fault catalogue (letter and number) and traps (T and number).
func Mutants() []Mutant {
	return slices.Concat(wireMutants(), absenceMutants(), listMutants(), createMutants(), paceMutants(), sightMutants(), engineMutants(), serviceMutants(),
		storeMutants(), inputMutants(), planMutants(), replaceMutants(), orderMutants(), excessMutants(), partMutants(), secretMutants(), blindMutants(),
		editMutants(), leaseMutants(), foreignMutants(), worldMutants(), rolloutMutants(), objectMutants(), takeOverMutants(), jobMutants(), registryMutants(), rightMutants(), launchMutants(), outcomeMutants(), quorumMutants(), surgeMutants(), resizeMutants(), handsMutants(), stackMutants(), portMutants(), protectMutants(), variablesMutants())
}

func mutantNamed(name string) (Mutant, bool) {
	if name == "" {
		return Mutant{}, true
	}
	for _, m := range append(Mutants(), liar()) {
		if m.Name == name {
			return m, true
		}
	}
	return Mutant{}, false
}
