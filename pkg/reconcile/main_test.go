package reconcile_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

type hold = plan.Hold

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
