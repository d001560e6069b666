package explore

// Mutants are all deliberate bugs.
func Mutants() []Mutant { return nil }

func mutantNamed(name string) (Mutant, bool) {
	for _, m := range Mutants() {
		if m.Name == name {
			return m, true
		}
	}
	return Mutant{}, name == ""
}
