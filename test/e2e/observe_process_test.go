package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is a process that a test started. It is ended by its id when the test ends.
type child struct {
	name string
	cmd  *exec.Cmd
	said *said
}

// said is what a process has written so far.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// start starts a process: SIGTERM when the test ends, SIGKILL ten seconds later.
func start(t *testing.T, env []string, argv ...string) *child {
	t.Helper()
	c := &child{name: filepath.Base(argv[0]), cmd: exec.CommandContext(t.Context(), argv[0], argv[1:]...), said: &said{}}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = c.said, c.said
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(syscall.SIGTERM) }
	c.cmd.WaitDelay = 10 * time.Second
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.cmd.Wait() // a signal ended it
		if text := c.said.String(); t.Failed() {
			t.Logf("--- %s, its last words:\n%s", c.name, text[max(0, len(text)-4000):])
		}
	})
	return c
}

// kill cuts the process off, as a power cut would.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// says waits until the process has written something that the pattern matches, and returns the groups.
func (c *child) says(t *testing.T, pattern string) []string {
	t.Helper()
	re, found := regexp.MustCompile(pattern), []string(nil)
	eventually(t, c.name+" says "+pattern, 20*time.Second, func() error {
		if found = re.FindStringSubmatch(c.said.String()); found == nil {
			return fmt.Errorf("it has written %d bytes", len(c.said.String()))
		}
		return nil
	})
	return found
}

// eventually asks again and again until there is no error.
func eventually(t *testing.T, what string, limit time.Duration, ask func() error) {
	t.Helper()
	began := time.Now()
	err := ask()
	for err != nil && time.Since(began) < limit {
		time.Sleep(200 * time.Millisecond)
		err = ask()
	}
	if err != nil {
		t.Fatalf("not within %v: %s: %v", limit, what, err)
	}
	t.Logf("%s: after %v", what, time.Since(began).Round(10*time.Millisecond))
}

// fetch gets a page of a process on loopback.
func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

// server is a running Prometheus.
type server struct {
	*testing.T
	url string
}

// startPrometheus starts a real one with the shipped rules and the shipped configuration, in which only the targets and the intervals
// are others.
func startPrometheus(t *testing.T, targets ...string) *server {
	t.Helper()
	dir := t.TempDir()
	config := swap(t, prometheusFile, map[string]string{"15s": "1s", `"127.0.0.1:9810"`: `"` + strings.Join(targets, `", "`) + `"`})
	for name, data := range map[string]string{"prometheus.yml": config, "rules.yml": swap(t, rulesFile, nil)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t, nil, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	return &server{t, "http://" + c.says(t, `msg="Listening on" address=(127\.0\.0\.1:\d+)`)[1]}
}

// swap reads a file and replaces texts that must be there.
func swap(t *testing.T, file string, pairs map[string]string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for from, to := range pairs {
		if !strings.Contains(text, from) {
			t.Fatalf("%s has no %s", file, from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// sample is one series and its value now.
type sample struct {
	Metric map[string]string
	Value  [2]any // seconds, number as text
}

func (s sample) number() float64 {
	text, _ := s.Value[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return v
}

// query evaluates an expression now.
func (p *server) query(expr string) ([]sample, error) {
	body, err := fetch(p.Context(), p.url+"/api/v1/query?query="+url.QueryEscape(expr))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	var answer struct{ Data struct{ Result []sample } }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", expr, err, body)
	}
	return answer.Data.Result, nil
}
