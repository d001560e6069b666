package file

import (
	"regexp"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// lintPasswords warns of what looks like a password, also where a variable fills it in: the variables travel with the file, and the service has their values.
// One that is encrypted is left as it is: no revision has it, and who encrypts it knows what it is.
func (w *walker) lintPasswords(f *serviceFacts) {
	environment := f.node.child("environment")
	if environment == nil {
		return
	}
	withPassword := regexp.MustCompile(`://[^/:@\s]+:[^/@\s]+@`)
	tell := func(at *node, name, value string) {
		if value == "" || isSwitch(value) || strings.Contains(value, swarm.StandIn) || !namesPassword(name) && !withPassword.MatchString(value) {
			return
		}
		w.warn(at, "a password in the file? Whoever may run docker service inspect reads it, and the store keeps it in up to ten revisions after it is gone "+
			"from the file: encrypt it beside this file (swarmd secret-key prints the recipient; age -r RECIPIENT -o NAME.age), name that under the top-level secrets, "+
			"and let the program read /run/secrets/NAME; many images take NAME_FILE")
	}
	for _, e := range environment.fields {
		tell(e.value, e.key, e.value.text)
	}
	for _, item := range environment.items {
		name, value, _ := strings.Cut(item.text, "=")
		tell(item, name, value)
	}
}

// namesPassword goes by how the name ends: DB_PASSWORD and API_KEY are meant, not DB_PASSWORD_FILE and PUBLIC_KEY.
func namesPassword(name string) bool {
	name = strings.ToUpper(name)
	if strings.HasSuffix(name, "PUBLIC_KEY") {
		return false
	}
	return slices.ContainsFunc([]string{"PASSWORD", "PASSWD", "_PASS", "_PWD", "SECRET", "TOKEN", "_KEY", "APIKEY", "SECRET_KEY_BASE"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// isSwitch: MYSQL_ALLOW_EMPTY_PASSWORD=yes is none.
func isSwitch(value string) bool {
	return slices.Contains([]string{"yes", "no", "true", "false", "on", "off", "0", "1"}, strings.ToLower(value))
}
