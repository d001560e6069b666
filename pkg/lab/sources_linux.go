package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// aptDir is where the host keeps its package sources.
const aptDir = "/etc/apt"

// writeSources writes the host's own package sources, with another suite of Debian, into dir, and returns the files' paths.
func writeSources(dir, suite string) ([]string, error) {
	host, err := hostSuite()
	if err != nil {
		return nil, err
	}
	files, err := hostSources(aptDir)
	if err != nil {
		return nil, err
	}
	var written []string
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		rewrite := rewriteLines
		if filepath.Ext(file) == ".sources" {
			rewrite = rewriteStanzas
		}
		other := rewrite(string(text), suites{from: host, to: suite})
		if other == "" {
			continue
		}
		path := filepath.Join(dir, fmt.Sprintf("%d%s", i, filepath.Ext(file)))
		if err := os.WriteFile(path, []byte(other), 0o644); err != nil {
			return nil, err
		}
		written = append(written, path)
	}
	if len(written) == 0 {
		return nil, fmt.Errorf("none of this host's package sources (%s) is of Debian %s: the lab takes %s from where they are",
			strings.Join(files, ", "), host, suite)
	}
	return written, nil
}

// hostSources are the files with the host's own package sources.
func hostSources(dir string) ([]string, error) {
	all := []string{}
	for _, pattern := range []string{"sources.list.d/*.list", "sources.list.d/*.sources", "sources.list"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	if len(all) == 0 {
		return nil, errors.New("this host has no package sources in " + dir)
	}
	return all, nil
}

// hostSuite is the Debian release of the host.
func hostSuite() (string, error) {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("read the host's release: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(v, `"`), nil
		}
	}
	return "", errors.New("read the host's release: /etc/os-release names no VERSION_CODENAME; the lab needs Debian")
}

// suites turns the suites of one release, the host's, into those of another.
type suites struct{ from, to string }

// rolling is Debian's suite that is no release: it has no updates beside it.
const rolling = "unstable"

// of is the other release's suite for one of the host's. A suite that is none of Debian's, or has no counterpart, is left out.
func (s suites) of(suite string) (string, bool) {
	release, kind, _ := strings.Cut(suite, "-")
	if !slices.Contains([]string{s.from, "stable", "oldstable", "testing", "sid", rolling}, release) {
		return "", false
	}
	switch kind {
	case "":
		return s.to, true
	case "updates", "security":
		return s.to + "-" + kind, s.to != rolling
	}
	return "", false
}

// mayBeStale says whether the new suite's Release file may be past its date. Unstable's may: what a mirror keeps of it is not always the
// latest. A release's may not, so that nobody can hold its security updates back.
func (s suites) mayBeStale() bool { return s.to == rolling }

// oneLine is a source in the format of sources.list: type, options, URI, suite, components.
var oneLine = regexp.MustCompile(`^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)`)

// rewriteLines rewrites a file in the format of sources.list(5).
func rewriteLines(text string, s suites) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		m := oneLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil || !isDebian(m[4]) {
			continue
		}
		suite, ok := s.of(m[3])
		if !ok {
			continue
		}
		options := strings.Fields(m[1])
		if s.mayBeStale() {
			options = append(options, "check-valid-until=no")
		}
		bracket := ""
		if len(options) > 0 {
			bracket = "[" + strings.Join(options, " ") + "] "
		}
		_, _ = fmt.Fprintf(&out, "deb %s%s %s %s\n", bracket, m[2], suite, strings.TrimSpace(m[4]))
	}
	return out.String()
}

// rewriteStanzas rewrites a file in the format of deb822(5).
func rewriteStanzas(text string, s suites) string {
	var out []string
	for _, stanza := range regexp.MustCompile(`\n[ \t]*\n`).Split(text, -1) {
		if other := rewriteStanza(stanza, s); other != "" {
			out = append(out, other)
		}
	}
	return strings.Join(out, "\n")
}

// rewriteStanza replaces a stanza's suites and leaves its other fields, a key of many lines too, as they are. A stanza without a suite to
// take along, without packages, or that is switched off is left out.
func rewriteStanza(stanza string, s suites) string {
	var kept, wanted []string
	use, debian := true, false
	name := ""
	for line := range strings.Lines(stanza) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		value := line
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			name, value, _ = strings.Cut(line, ":")
			name = strings.ToLower(name)
		}
		switch name {
		case "suites":
			for suite := range strings.FieldsSeq(value) {
				if other, ok := s.of(suite); ok {
					wanted = append(wanted, other)
				}
			}
		case "types":
			use = use && slices.Contains(strings.Fields(value), "deb")
		case "enabled":
			use = use && !slices.Contains([]string{"no", "false", "off", "0"}, strings.ToLower(strings.TrimSpace(value)))
		case "check-valid-until": // once: see below
			if !s.mayBeStale() {
				kept = append(kept, line)
			}
		case "components":
			debian = debian || isDebian(value)
			kept = append(kept, line)
		default:
			kept = append(kept, line)
		}
	}
	if !use || !debian || len(wanted) == 0 {
		return ""
	}
	head := []string{"Types: deb", "Suites: " + strings.Join(wanted, " ")}
	if s.mayBeStale() {
		head = append(head, "Check-Valid-Until: no")
	}
	return strings.Join(append(head, kept...), "\n") + "\n"
}

// isDebian tells Debian's archives, which have a component main, from others that name their suites after Debian's.
func isDebian(components string) bool { return slices.Contains(strings.Fields(components), "main") }
