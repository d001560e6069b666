package plan

// Compute decides what to do now. A nil Spec (no revision was accepted yet) gives an empty plan.
func Compute(in Input) Plan {
	if in.Spec == nil {
		return Plan{}
	}
	v, b := survey(in), &builder{}
	granted := admit(v, propose(v), b)
	advance(v, granted, b)
	converge(v, granted, b)
	report(v, b)
	return b.finish(v)
}
