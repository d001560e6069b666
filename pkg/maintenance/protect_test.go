package maintenance

import (
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const withServices = accepted + `services:
  app: { image: "a:1" }
  db: { image: "a:1", x-swarmd: { protect: true } }
`

// TestWhatAPersonsProtectionComesTo: whoever has said it, --off ends it where that lasts, and nothing is written to what a write would harm.
func TestWhatAPersonsProtectionComesTo(t *testing.T) {
	for name, c := range map[string]struct {
		service   string
		label     string
		update    swarm.UpdateState
		mode      swarm.Mode
		off       bool
		conflicts int
		says      string
		fails     bool
		label2    string // what it is then; "+": a person's word; "=": as before
	}{
		"protect":                         {service: "app", says: "service web_app is protected: swarmd does not remove it when the file has it no more; swarmd protect service/web_app --off ends it", label2: "+"},
		"by its whole name":               {service: "web_app", says: "service web_app is protected", label2: "+"},
		"somebody else writes it, too":    {service: "app", conflicts: 2, says: "service web_app is protected", label2: "+"},
		"and always":                      {service: "app", conflicts: 3, fails: true, label2: "="},
		"the file does already":           {service: "db", label: swarm.ProtectedByFile, says: "is protected", label2: "+"},
		"what is not in the file":         {service: "old", says: "service web_old is protected", label2: "+"},
		"a roll-out runs":                 {service: "app", update: swarm.Updating, says: "the roll-out of web_app is updating, and a write would end what the engine remembers of it", fails: true, label2: "="},
		"one was taken back":              {service: "app", update: swarm.RollbackCompleted, says: "the roll-out of web_app is rollback_completed", fails: true, label2: "="},
		"one is over":                     {service: "app", update: swarm.Completed, says: "is protected", label2: "+"},
		"a job":                           {service: "app", mode: swarm.ReplicatedJob, says: "web_app is a job, and whatever is written to it runs it again", fails: true, label2: "="},
		"nothing of the name":             {service: "none", says: "cluster web has no service/none; its services are web_app, web_db, web_old", fails: true, label2: "="},
		"off":                             {service: "app", label: "yes", off: true, says: "service web_app is protected no longer", label2: ""},
		"off where nothing is":            {service: "app", off: true, says: "service web_app is not protected", label2: "="},
		"off, and the file says it":       {service: "db", label: swarm.ProtectedByFile, off: true, says: "the file says protect of service web_db: take that out there, in an edit of its own", fails: true, label2: "="},
		"off, and the file says it, too":  {service: "db", label: "yes", off: true, says: "service web_db is protected by the file alone now", label2: ""},
		"off of what the file has not":    {service: "old", label: swarm.ProtectedByFile, off: true, says: "the file does not have it, and it is removed at swarmd's next look", label2: ""},
		"off of that, a roll-out or none": {service: "old", label: swarm.ProtectedByFile, update: swarm.RollbackCompleted, off: true, says: "is protected no longer", label2: ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bench{conflicts: c.conflicts}
			b.state = ledger.State{Exists: true, Revisions: []ledger.Revision{{Number: 1, Data: []byte(withServices)}}}
			b.state.Ledger.Revision = 1
			for _, name := range []string{"app", "db", "old"} {
				s := swarm.Service{ID: name, Version: 7, Update: c.update, Spec: swarm.ServiceSpec{Name: "web_" + name, Mode: c.mode, Labels: map[string]string{
					swarm.LabelCluster: "web", swarm.LabelNamespace: "web", "team": "shop"}}}
				if c.label != "" {
					s.Spec.Labels[swarm.LabelProtected] = c.label
				}
				b.services = append(b.services, s)
			}
			change := func() (string, error) {
				return Cluster{Name: "web", Swarm: b, Store: b, By: "ana"}.ProtectService(t.Context(), c.service, "a  reason")
			}
			if c.off {
				change = func() (string, error) {
					return Cluster{Name: "web", Swarm: b, Store: b, By: "ana"}.UnprotectService(t.Context(), c.service)
				}
			}
			said, err := change()
			if err != nil {
				said = err.Error()
			}
			if !strings.Contains(said, c.says) || (err != nil) != c.fails {
				t.Fatalf("%s, %v", said, err)
			}
			if c.conflicts == 3 && apierr.KindOf(err) != apierr.Conflict {
				t.Error(err)
			}
			for _, s := range b.services {
				got, want := s.Spec.Labels[swarm.LabelProtected], c.label2
				if want == "=" || !strings.HasSuffix(s.Spec.Name, "_"+strings.TrimPrefix(c.service, "web_")) {
					want = c.label
				}
				byAna := swarm.ParseHandsOff(got).By == "ana" && strings.HasSuffix(got, " a reason")
				if want == "+" && !byAna || want != "+" && got != want || s.Spec.Labels["team"] != "shop" {
					t.Errorf("%s has the labels %v", s.Spec.Name, s.Spec.Labels)
				}
			}
		})
	}
}
