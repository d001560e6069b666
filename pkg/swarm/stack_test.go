package swarm

import "testing"

// TestOfWhichStack: two services of one short name are told apart by their stacks, which their labels name.
func TestOfWhichStack(t *testing.T) {
	of := func(stack, name string) ServiceSpec {
		return ServiceSpec{Name: name, Labels: map[string]string{LabelNamespace: stack}}
	}
	all := Stack{Namespace: "prod", Adopt: []string{"shop"}, Services: []ServiceSpec{of("prod", "prod_web"), of("shop", "shop_web"), {Name: "alone"}}}
	for name, want := range map[string][2]string{"prod_web": {"prod", "web"}, "shop_web": {"shop", "web"}, "alone": {"", "alone"}} {
		s := all.Named(name)
		if s == nil || s.Stack() != want[0] || s.Short() != want[1] {
			t.Errorf("%s: %+v, want %v", name, s, want)
		}
	}
	if !all.Adopts("shop") || all.Adopts("prod") || all.Named("web") != nil {
		t.Error("one of the stacks is adopted, and a short name is no name")
	}
}
