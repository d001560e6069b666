package swarm_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestALoginTellsNobody: not printed, not encoded, not in what an engine says; the engine alone gets it.
func TestALoginTellsNobody(t *testing.T) {
	spec := swarm.ServiceSpec{Name: "a"}.LoggedInAs(swarm.NewLogin("docker.io", "team", "hunter2"), "mark")
	coded, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	header := spec.Login.Header()
	said := fmt.Sprintf("%v %+v %#v %s %s", spec, spec, spec, spec.Login, coded) + spec.Login.Hide("refused "+header+" of hunter2")
	if strings.Contains(said, "hunter2") || strings.Contains(said, header) {
		t.Errorf("it is told: %s", said)
	}
	var auth map[string]string
	data, err := base64.URLEncoding.DecodeString(header)
	if err != nil || json.Unmarshal(data, &auth) != nil || auth["username"] != "team" || auth["password"] != "hunter2" || auth["serveraddress"] != "https://index.docker.io/v1/" {
		t.Errorf("the engine gets %s, %v", data, err)
	}
	if spec.Labels[swarm.LabelLogin] != "mark" || (swarm.Login{}).Header() != "" {
		t.Errorf("%+v", spec.Labels)
	}
}

// TestAMarkIsOfAllOfALogin: another password, user, registry or key is another mark.
func TestAMarkIsOfAllOfALogin(t *testing.T) {
	seen := map[string]string{}
	for _, of := range [][4]string{{"k", "r", "u", "p"}, {"l", "r", "u", "p"}, {"k", "s", "u", "p"}, {"k", "r", "v", "p"}, {"k", "r", "u", "q"}} {
		mark := swarm.MarkLogin([]byte(of[0]), of[1], of[2], of[3])
		if len(mark) != 12 || seen[mark] != "" {
			t.Errorf("%v has the mark %q, as %s", of, mark, seen[mark])
		}
		seen[mark] = fmt.Sprint(of)
	}
}
