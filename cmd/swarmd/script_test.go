package main

import (
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/swarmd/swarmd/pkg/sim"
)

// canary is the API token of the scripts' worlds. It has no well-known form: only who knows it can keep it out.
const canary = "canary-6f1d0b2e9c"

// transcriptVar names the file that gets a copy of all that swarmd writes.
const transcriptVar = "SWARMD_TEST_TRANSCRIPT"

// TestMain lets more scripts run at once than there are processors: they wait more than they compute.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"swarmd": command})
}

// command is main with a copy of its output.
func command() {
	ctx, stop := untilEnded()
	a := newCLI()
	if path := os.Getenv(transcriptVar); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		a.out, a.err = io.MultiWriter(a.out, f), io.MultiWriter(a.err, f)
	}
	code := run(ctx, a, os.Args[1:])
	stop()
	os.Exit(code)
}

// TestScripts runs each command line as a person would, against simulated worlds. What a script may use besides the usual is in
// script_cmds_test.go. After each script no secret may be in anything that swarmd wrote.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/scripts",
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"world": worldCmd, "exits": exitsCmd, "patient": patientCmd, "json": jsonCmd, "keys": keysCmd, "writes": writesCmd, "droplet": dropletCmd,
			"droplets": dropletsCmd, "fault": faultCmd, "await": awaitCmd, "port": portCmd, "term": termCmd, "took": tookCmd, "scale": scaleCmd,
			"beside": besideCmd, "unplug": unplugCmd, "scrap": scrapCmd, "untag": untagCmd, "network": networkCmd, "forget": forgetCmd,
			"identity": identityCmd, "encrypt": encryptCmd, "reads": readsCmd, "selfservice": selfServiceCmd, "nowhere": nowhereCmd, "versions": versionsCmd, "variables": variablesCmd, "runs": runsCmd,
		},
	})
}

func setup(env *testscript.Env) error {
	transcript := filepath.Join(env.WorkDir, ".transcript")
	env.Setenv(transcriptVar, transcript)
	env.Setenv("SWARMD_STATE_DIR", filepath.Join(env.WorkDir, "state"))
	env.Values[worldKey{}] = &scriptWorld{}
	env.Defer(func() { noSecret(env, transcript) })
	return nil
}

// noSecret looks for tokens in all that swarmd printed and in all files that it left.
func noSecret(env *testscript.Env, transcript string) {
	t := env.T().(testing.TB)
	tokens := []string{canary, sim.DefaultToken, "SWMTKN-", "SWMKEY-", "AGE-SECRET-KEY-1"}
	err := filepath.WalkDir(env.WorkDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, token := range tokens {
			if strings.Contains(string(data), token) && filepath.Ext(path) != ".secret" {
				t.Errorf("%s holds a secret (%s…)", filepath.Base(path), token[:6])
			}
		}
		return err
	})
	if _, missing := os.Stat(transcript); err != nil || missing != nil {
		t.Errorf("nothing was looked through: %v, %v", err, missing)
	}
}
