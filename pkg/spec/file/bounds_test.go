package file

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/internal/cost"
)

// What a file may cost, however it is made. The memory is Go's heap with its garbage; the time is processor time, which a busy machine does
// not lengthen.
const (
	mostHeap = 256 << 20
	mostTime = 10 * time.Second
)

// affordable parses a file and holds it to the bounds.
func affordable(t testing.TB, data string) error {
	t.Helper()
	var err error
	var said string
	spent, within := cost.Within(mostHeap, mostTime, func() {
		var warnings []Fault
		_, warnings, err = Parse("f.yaml", []byte(data))
		said = report(warnings, err)
	})
	t.Logf("%d bytes: %s, says %.300q", len(data), spent, said)
	if !within {
		t.Errorf("%s, at most %d MB and %s", spent, mostHeap>>20, mostTime)
	}
	if len(said) > 1<<20 {
		t.Errorf("it says %d bytes", len(said))
	}
	return err
}

const head = "version: 1\ncluster: web\ncloud: { digitalocean: { region: fra1, image: docker-20-04 } }\n" +
	"nodes:\n  managers: { role: manager, count: 1, size: s-1vcpu-1gb }\n"

// repeated is n texts made by each, with a comma between them.
func repeated(n int, each func(i int) string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(each(i))
	}
	return b.String()
}

func always(s string) func(int) string { return func(int) string { return s } }

// hostile are files that stand for much more than they are, or that ask for work out of proportion. Each is to be refused; says is a part of
// what is said.
func hostile() map[string]struct{ data, says string } {
	service := func(body string) string { return head + "services: { a: { image: \"x:1\", " + body + " } }\n" }
	long := strings.Repeat("x", 60_000)
	deep := strings.Repeat("{"+strings.Repeat("k", 64)+": ", 46)
	return map[string]struct{ data, says string }{
		"a variable 8,000 times":       {head + "variables: {A: " + long + "}\nservices: { a: { image: \"x:1\", command: [" + repeated(8000, always(`"${A}"`)) + "] } }\n", "1000000 bytes"},
		"a variable often in a scalar": {head + "variables: {A: " + long + "}\nservices: { a: { image: \"x:1\", command: [\"" + strings.Repeat("${A}", 3000) + "\"] } }\n", "64000 bytes"},
		"an alias 8,000 times":         {head + "x-a: &a \"" + long + "\"\nservices: { a: { image: \"x:1\", command: [" + repeated(8000, always("*a")) + "] } }\n", "1000000 bytes"},
		"a long scalar":                {service("command: [\"" + strings.Repeat("x", 64_001) + "\"]"), "64000 bytes"},
		"ranges of all ports":          {head + "services: {" + repeated(200, func(i int) string { return fmt.Sprintf("a%d: {image: \"x:1\", ports: [\"1-65535\"]}", i) }) + "}\n", "65535 published ports"},
		"ports in many services": {head + "services: {" + repeated(5, func(i int) string {
			return fmt.Sprintf("a%d: {image: \"x:1\", ports: [\"%d000-%d250:1-251\"]}", i, i+3, i+3)
		}) + "}\n", "1004 ports"},
		"deep paths":                  {head + "x-l: &l [" + repeated(400, always("1")) + "]\nx-d: " + deep + "[" + repeated(480, always("*l")) + "]" + strings.Repeat("}", 46) + "\nservices: 1\n", "services: must be a map"},
		"faults with deep paths":      {head + "x-l: &l [" + repeated(400, always("!t 1")) + "]\nx-d: " + deep + "[" + repeated(480, always("*l")) + "]" + strings.Repeat("}", 46) + "\n", "the tag"},
		"undefined variables":         {head + "variables: {" + repeated(20_000, func(i int) string { return fmt.Sprintf("V%d: 1", i) }) + "}\nservices: { a: { image: \"x:1\", command: [" + repeated(40_000, func(i int) string { return fmt.Sprintf("$W%d", i) }) + "] } }\n", "more faults"},
		"unknown keys":                {service(repeated(60_000, func(i int) string { return fmt.Sprintf("key%d: 1", i) })), "more faults"},
		"undeclared networks":         {head + "networks: {" + repeated(20_000, func(i int) string { return fmt.Sprintf("n%d: {}", i) }) + "}\nservices: { a: { image: \"x:1\", networks: [" + repeated(50_000, func(i int) string { return fmt.Sprintf("m%d", i) }) + "] } }\n", "more faults"},
		"numbers with long exponents": {strings.TrimSuffix(service("deploy: { resources: { limits: { cpus: 1 } } }"), " }\n") + repeatedServices(4000) + " }\n", "processors"},
		"many addresses":              {service("dns: [" + repeated(80_000, func(i int) string { return fmt.Sprintf("1.%d.%d.%d", i>>12&63, i>>6&63, i&63) }) + ", 300.1.1.1]"), "IP address"},
		"many entries in a list":      {service("environment: [" + repeated(90_000, func(i int) string { return fmt.Sprintf("A%d=", i) }) + ", \"=\"]"), "the name"},
		"constraints": {head + "x-p: &p [{target: 80, published: 8080, mode: host}]\nservices: {" + repeated(2, func(i int) string {
			return fmt.Sprintf("a%d: {image: \"x:1\", ports: *p, deploy: {placement: {constraints: [", i) + repeated(20_000, func(int) string { return fmt.Sprintf("node.id!=%d", i) }) + "]}}}"
		}) + "}\n", "constraints"},
		"many subnets": {head + "x-n: &n { ipam: { config: [" + repeated(4, always("{ subnet: 10.20.0.0/16 }")) + "] } }\nnetworks: {" + repeated(8_000, func(i int) string {
			return fmt.Sprintf("n%d: *n", i)
		}) + "}\n", "overlaps"},
		"many pools":                 {strings.TrimSuffix(head, "\n") + repeatedPools(18_000), "pools"},
		"only scalars":               {"[" + strings.Repeat("a,", 449_990) + "]", "200000 values"},
		"only lists":                 {"[" + strings.Repeat("[],", 299_990) + "]", "200000 values"},
		"an open bracket at the end": {strings.Repeat("- a\n", 220_000) + "[", "YAML"},
	}
}

func repeatedServices(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", b%d: { image: \"x:1\", deploy: { resources: { limits: { cpus: \"1e%d\" } } } }", i, 900_000+i)
	}
	return b.String()
}

func repeatedPools(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n  p%d: { role: worker, count: 1, size: s }", i)
	}
	return b.String() + "\n"
}

// TestHostileFilesAreRefused: a file costs no more than the bounds, whatever stands in it, and what is said about it has a bound too.
func TestHostileFilesAreRefused(t *testing.T) {
	for name, tc := range hostile() {
		t.Run(name, func(t *testing.T) {
			if len(tc.data) > MaxSize {
				t.Fatalf("%d bytes: the file itself is too large to show anything", len(tc.data))
			}
			err := affordable(t, tc.data)
			if faults := Faults(nil); !errors.As(err, &faults) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("it should say %q: %.1000v", tc.says, err)
			}
		})
	}
}

// TestTheLargestFilesAreAccepted: what is just within the bounds is no fault, and costs no more than a hostile file may.
func TestTheLargestFilesAreAccepted(t *testing.T) {
	service := func(i int) string {
		return fmt.Sprintf("s%d: {image: \"x:1\", command: [\"%s\"], deploy: {placement: {constraints: [node.role==manager]}}}", i, strings.Repeat("y", 20))
	}
	for name, data := range map[string]string{
		"services": head + "services: {" + repeated(7500, service) + "}\n",
		"labels":   head + "services: {a: {image: \"x:1\", labels: {" + repeated(60_000, func(i int) string { return fmt.Sprintf("k%d: v", i) }) + "}}}\n",
		"text":     head + "variables: {A: " + strings.Repeat("x", 60_000) + "}\nservices: { a: { image: \"x:1\", command: [" + repeated(15, always(`"${A}"`)) + "] } }\n",
		"ports": head + "services: {" + repeated(4, func(i int) string {
			return fmt.Sprintf("a%d: {image: \"x:1\", ports: [\"%d000-%d248:1-249\"]}", i, i+3, i+3)
		}) + "}\n",
		"networks of others": head + "networks: {" + repeated(5000, func(i int) string { return fmt.Sprintf("n%d: {external: true}", i) }) + "}\nservices: {" +
			repeated(300, func(i int) string {
				return fmt.Sprintf("a%d: {image: \"x:1\", networks: [", i) + repeated(100, func(j int) string { return fmt.Sprintf("n%d", i+j) }) + "]}"
			}) + "}\n",
		"pools and constraints": strings.TrimSuffix(head, "\n") + strings.TrimSuffix(repeatedPools(99), "\n") + "\nx-c: &c [" + repeated(90, always("node.role!=worker")) + "]\nservices: {" +
			repeated(500, func(i int) string {
				return fmt.Sprintf("a%d: {image: \"x:1\", deploy: {placement: {constraints: *c}, resources: {reservations: {memory: 64M}}}}", i)
			}) + "}\n",
		"one port, apart": head + "services: {" + repeated(1000, func(i int) string {
			return fmt.Sprintf("a%d: {image: \"x:1\", ports: [{target: 80, published: 8080, mode: host}], deploy: {placement: {constraints: [\"node.labels.a==%d\"]}}}", i, i)
		}) + "}\n",
	} {
		t.Run(name, func(t *testing.T) {
			if err := affordable(t, data); err != nil {
				t.Errorf("refused: %.1000v", err)
			}
		})
	}
}
