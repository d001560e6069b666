package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

type worldKey struct{}

// scriptWorld is the simulated world of one script.
type scriptWorld struct {
	*sim.World
	url  string
	term time.Time // when term was used
}

func theWorld(ts *testscript.TestScript) *scriptWorld { return ts.Value(worldKey{}).(*scriptWorld) }

// worldCmd: world [managers [workers [speed [release]]]] starts a world with so many machines of the cluster "web", whose engines are of the
// release, and sets the environment to use it.
func worldCmd(ts *testscript.TestScript, _ bool, args []string) {
	n, release := [3]int{0, 0, 200}, ""
	if len(args) == 4 {
		args, release = args[:3], args[3]
	}
	for i, a := range args {
		var err error
		n[i], err = strconv.Atoi(a)
		ts.Check(err)
	}
	o := simOptions(float64(n[2]))
	engine, err := dockerd.ParseRelease(release)
	ts.Check(err)
	o.Docker.Release = engine
	o.Cloud.Token = canary
	w := theWorld(ts)
	w.World = sim.New(o)
	w.Swarm.SetImage("example/crash:1", dockerd.Image{CrashAfter: time.Second})
	ts.Check(w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: n[0], Workers: n[1]}))
	ctx, stop := context.WithCancel(context.Background())
	server, err := w.Serve(ctx, "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { stop(); _ = server.Wait() })
	w.url = server.CloudURL()
	ts.Setenv("DIGITALOCEAN_API_URL", w.url)
	ts.Setenv("DIGITALOCEAN_TOKEN", canary)
	ts.Setenv("DOCKER_HOST", server.DockerHost())
}

// unplugCmd: unplug NAME cuts the machine's power.
func unplugCmd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(theWorld(ts).KillMachine(args[0]))
}

// scrapCmd: scrap NAME deletes the machine's droplet, as its host's fire would.
func scrapCmd(ts *testscript.TestScript, _ bool, args []string) {
	for _, d := range theWorld(ts).Cloud.Droplets() {
		if d.Name == args[0] {
			req, err := http.NewRequest(http.MethodDelete, fmt.Sprintf("%sv2/droplets/%d", theWorld(ts).url, d.ID), nil)
			ts.Check(err)
			req.Header.Set("Authorization", "Bearer "+canary)
			resp, err := http.DefaultClient.Do(req)
			ts.Check(err)
			ts.Check(resp.Body.Close())
			return
		}
	}
	ts.Fatalf("there is no droplet %s", args[0])
}

// besideCmd: beside CLUSTER seeds one more swarm in the account, of a manager and a worker named as the cluster's are. DOCKER_HOST stays the first one's.
func besideCmd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(theWorld(ts).Populate(sim.Seeded{Cluster: args[0], Region: "fra1", Managers: 1, Workers: 1, From: 1000, Untagged: true}))
}

// untagCmd: untag [NAME…] makes the droplets, or all, as the version before made them: without their swarm's tag.
func untagCmd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(theWorld(ts).Untag(args...))
}

// exitsCmd: exits CODE COMMAND [ARG…] runs the command, which must end with this very code.
func exitsCmd(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	default:
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exited with %d, not %d", args[1], got, want)
	}
}

// patientCmd: patient CODE PATTERN COMMAND [ARG…] runs the command with a number of seconds for TIMEOUT in its arguments, ever more of them until
// its output matches the pattern. How far a command gets in so many seconds is the machine's affair, what it then says and does is the command's.
func patientCmd(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[1])
	for _, seconds := range []string{"2", "6", "18", "54"} {
		command := slices.Clone(args[2:])
		for i := range command {
			command[i] = strings.ReplaceAll(command[i], "TIMEOUT", seconds)
		}
		exitsCmd(ts, false, append([]string{args[0]}, command...))
		if pattern.MatchString(ts.ReadFile("stdout") + ts.ReadFile("stderr")) {
			return
		}
	}
	ts.Fatalf("no match for %q", args[1])
}

// jsonCmd: json FILE PATH PATTERN matches the value at the path ("pools[0].ready") of the file ("stdout" too), as JSON, with a regexp.
func jsonCmd(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	found, err := at(v, args[1])
	if err != nil {
		if !neg {
			ts.Fatalf("%v", err)
		}
		return
	}
	text, err := json.Marshal(found)
	ts.Check(err)
	if regexp.MustCompile(args[2]).Match(text) == neg {
		ts.Fatalf("%s is %s", args[1], text)
	}
}

var pathStep = regexp.MustCompile(`[^.\[\]]+`)

// at walks into a JSON value.
func at(v any, path string) (any, error) {
	for _, step := range pathStep.FindAllString(path, -1) {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[step]; !ok {
				return nil, fmt.Errorf("%s: there is no %s", path, step)
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				return nil, fmt.Errorf("%s: no entry %s of %d", path, step, len(x))
			}
			v = x[i]
		default:
			return nil, fmt.Errorf("%s: nothing below %v", path, x)
		}
	}
	return v, nil
}

// keysCmd: keys FILE holds all keys of the JSON to one style, snake_case.
func keysCmd(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	if odd := oddKeys(v); len(odd) > 0 {
		ts.Fatalf("keys that are not snake_case: %v", odd)
	}
}

var snake = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)

func oddKeys(v any) (odd []string) {
	switch x := v.(type) {
	case map[string]any:
		for k, below := range x {
			if !snake.MatchString(k) {
				odd = append(odd, k)
			}
			odd = append(odd, oddKeys(below)...)
		}
	case []any:
		for _, below := range x {
			odd = append(odd, oddKeys(below)...)
		}
	}
	return odd
}

// writesCmd: writes [METHOD_PATH_PATTERN] fails if no such writing call was sent since the last "writes"; with ! it fails if one was.
func writesCmd(ts *testscript.TestScript, neg bool, args []string) {
	w := theWorld(ts)
	pattern := regexp.MustCompile(strings.Join(args, " "))
	var found []string
	for _, c := range w.Trace() {
		if line := c.Method + " " + c.Path; c.Write() && pattern.MatchString(line) {
			found = append(found, line)
		}
	}
	w.ResetTrace()
	if (len(found) > 0) == neg {
		ts.Fatalf("%d writes: %v", len(found), found)
	}
}

// dropletCmd: droplet NAME VARIABLE [TAG…] creates a droplet as a stranger would, and sets the variable to its id.
func dropletCmd(ts *testscript.TestScript, _ bool, args []string) {
	body, err := json.Marshal(map[string]any{"name": args[0], "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "tags": args[2:]})
	ts.Check(err)
	theWorld(ts).Cloud.SetLags(0, 0, -1) // what the script counts on must be in the next list
	defer theWorld(ts).Cloud.SetLags(2*time.Second, 3*time.Second, -1)
	req, err := http.NewRequest(http.MethodPost, theWorld(ts).url+"v2/droplets", bytes.NewReader(body))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+canary)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	var made struct{ Droplet struct{ ID int } }
	ts.Check(json.NewDecoder(resp.Body).Decode(&made))
	if made.Droplet.ID == 0 {
		ts.Fatalf("create droplet: %s", resp.Status)
	}
	ts.Setenv(args[1], strconv.Itoa(made.Droplet.ID))
}

// networkCmd: network NAME SUBNET makes an overlay network as a person would.
func networkCmd(ts *testscript.TestScript, _ bool, args []string) {
	body, err := json.Marshal(map[string]any{"Name": args[0], "Driver": "overlay", "IPAM": map[string]any{"Config": []any{map[string]any{"Subnet": args[1]}}}})
	ts.Check(err)
	resp, err := http.Post(theWorld(ts).url+"networks/create", "application/json", bytes.NewReader(body))
	ts.Check(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		ts.Fatalf("create network: %s", resp.Status)
	}
}

// forgetCmd: forget CONFIG does what `docker config rm` does.
func forgetCmd(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequest(http.MethodDelete, theWorld(ts).url+"configs/"+args[0], nil)
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		ts.Fatalf("remove config: %s", resp.Status)
	}
}

// dropletsCmd prints the droplets that live, a name a line.
func dropletsCmd(ts *testscript.TestScript, _ bool, _ []string) {
	for _, d := range theWorld(ts).Cloud.Droplets() {
		fmt.Fprintln(ts.Stdout(), d.Name)
	}
}

// faultCmd: fault METHOD_PATH_PATTERN STATUS [MESSAGE] answers such calls with the status; without arguments all pass again.
func faultCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		theWorld(ts).SetFault(nil)
		return
	}
	pattern := regexp.MustCompile(args[0])
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	message := "it is broken"
	if len(args) > 2 {
		message = args[2]
	}
	theWorld(ts).SetFault(func(c sim.Call) sim.Verdict {
		if pattern.MatchString(c.Method + " " + c.Path) {
			return sim.Refuse(status, message)
		}
		return sim.Pass()
	})
}

// scaleCmd: scale SERVICE REPLICAS does what `docker service scale` does.
func scaleCmd(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseUint(args[1], 10, 32)
	ts.Check(err)
	ts.Check(theWorld(ts).Scale(args[0], n))
}

// portCmd: port VARIABLE sets the variable to an address that is free just now.
func portCmd(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// patience is how long an await may take: a machine under load may be slow, a script that is right is not.
const patience = 60 * time.Second

// awaitCmd: await URL PATTERN asks until status and body match the pattern, and prints them. Real processes have no virtual time: this
// looks ever again.
func awaitCmd(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?s)" + args[1])
	last := ""
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		if last = fetch(args[0]); pattern.MatchString(last) {
			fmt.Fprint(ts.Stdout(), last)
			return
		}
	}
	ts.Fatalf("%s does not match %q; last:\n%s", args[0], args[1], last)
}

// fetch returns "STATUS\nBODY", or the error.
func fetch(url string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d\n%s", resp.StatusCode, body)
}

// termCmd: term asks the background commands to stop, as systemd and Docker do; term hangup as a terminal that is closed does.
func termCmd(ts *testscript.TestScript, _ bool, args []string) {
	asked := syscall.SIGTERM
	if len(args) > 0 && args[0] == "hangup" {
		asked = syscall.SIGHUP
	}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(asked))
	}
	theWorld(ts).term = time.Now()
}

// tookCmd: took LIMIT, after term and wait, fails if the commands took longer to stop.
func tookCmd(ts *testscript.TestScript, _ bool, args []string) {
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	if took := time.Since(theWorld(ts).term); took > limit {
		ts.Fatalf("it took %s to stop", took)
	}
}
