package install

import (
	"testing"

	"github.com/swarmd/swarmd/deploy"
)

func TestWhetherAUnitDeniesHostAccess(t *testing.T) {
	with, without := deploy.Unit(512<<20, true), deploy.Unit(512<<20, false)
	for unit, want := range map[string]bool{with: true, without: false, "": false, "# --deny-host-access\n" + without: false} {
		if unitDenies(unit) != want {
			t.Errorf("%v, want %v of:\n%s", !want, want, unit)
		}
	}
}
