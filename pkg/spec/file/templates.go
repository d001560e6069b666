package file

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// templates are what Swarm fills in for each task (swarmkit, template.Context).
func templates() []string {
	return []string{"{{.Node.Hostname}}", "{{.Node.ID}}", "{{.Node.Platform.Architecture}}", "{{.Node.Platform.OS}}", "{{.Service.ID}}", "{{.Service.Name}}",
		"{{.Task.ID}}", "{{.Task.Name}}", "{{.Task.Slot}}"}
}

// untemplated puts a letter in the place of each template, and returns the first one that is none.
func untemplated(s string) (plain, unknown string) {
	plain = regexp.MustCompile(`\{\{[^{}]*\}\}`).ReplaceAllStringFunc(s, func(found string) string {
		if tight := strings.ReplaceAll(found, " ", ""); !slices.Contains(templates(), tight) && unknown == "" {
			unknown = found
		}
		return "x"
	})
	return plain, unknown
}

// named holds a value that becomes a name, such as a host's: it may have the templates, and nothing else in braces.
func (w *walker) named(n *node, s string, allowed charset) bool {
	switch plain, unknown := untemplated(s); {
	case unknown != "":
		w.fault(n, "Swarm fills in no %s here: use %s%s", shown(n, unknown), either(templates()), w.suggestion(unknown, slices.Values(templates())))
	case !allowed.holds(plain):
		w.fault(n, "%s; not %s", allowed.wants(plain), shown(n, s))
	default:
		return true
	}
	return false
}

// templated is a rule whose texts Swarm fills templates into. What it could not fill in it refuses when the service is made.
func templated(check rule) rule {
	return func(w *walker, n *node) any {
		out := check(w, n)
		if n != nil && out != nil && !w.fills(n) {
			return nil
		}
		return out
	}
}

// fills reports whether the templates in all texts of the value can be filled in. A fault shows none of them: a value of the environment may be a password.
func (w *walker) fills(n *node) bool {
	good := true
	for _, item := range n.items {
		good = w.fills(item) && good
	}
	for _, f := range n.fields {
		good = w.fills(f.value) && good
	}
	why := ""
	if len(n.items)+len(n.fields) == 0 && !n.unresolved {
		why = unfillable(n.text)
	}
	if why != "" {
		w.fault(n, "%s; Swarm fills in %s; two braces that are meant as text are written {{\"{{\"}}", why, strings.Join(templates(), ", "))
	}
	return good && why == ""
}

// unfillable says why Swarm cannot fill in the templates of a text, "" if it can: by the manager's own trial, with a task that there is not (swarmkit,
// controlapi: validateContainerSpec). What could grow beyond all bounds there or here is not tried, and refused.
func unfillable(s string) string {
	if !strings.Contains(s, "{{") {
		return ""
	}
	join := template.FuncMap{"join": func(s ...string) string { return strings.Join(s[1:], s[0]) }}
	t, err := template.New("expansion").Option("missingkey=error").Funcs(join).Parse(s)
	if err != nil {
		return "a template in this value cannot be read: a brace or quote is missing, or a function that there is not"
	}
	if t.Tree == nil {
		return ""
	}
	if len(t.Templates()) > 1 || slices.ContainsFunc(t.Root.Nodes, unbounded) {
		return "a template in this value uses more than fields, comparisons and join, and swarmd passes on none whose result has no bound"
	}
	if t.Execute(io.Discard, task{}) != nil {
		return "a template in this value names what a task has not"
	}
	return ""
}

// task has the names that templates can use, without values.
type task struct {
	Service struct {
		ID, Name string
		Labels   map[string]string
	}
	Node struct {
		ID, Hostname string
		Platform     struct{ Architecture, OS string }
	}
	Task struct{ ID, Name, Slot string }
}

// bounded are the functions whose results are not longer than what they are given, one after the other. js, html and printf can double it.
func bounded() []string {
	return []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice", "print", "println", "join"}
}

// unbounded reports whether a part of a template could take time or room out of proportion to its length: by loops and recursion, by variables and
// "with", which repeat what they hold, or by functions. What it does not know counts as such.
func unbounded(n parse.Node) bool {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode, *parse.FieldNode, *parse.StringNode, *parse.NumberNode, *parse.BoolNode, *parse.DotNode, *parse.NilNode:
		return false
	case *parse.IdentifierNode:
		return !slices.Contains(bounded(), n.Ident)
	case *parse.ChainNode:
		return unbounded(n.Node)
	case *parse.ActionNode:
		return unbounded(n.Pipe)
	case *parse.CommandNode:
		return slices.ContainsFunc(n.Args, unbounded)
	case *parse.PipeNode:
		return len(n.Decl) > 0 || slices.ContainsFunc(n.Cmds, func(c *parse.CommandNode) bool { return unbounded(c) })
	case *parse.IfNode:
		return unbounded(n.Pipe) || unboundedList(n.List) || unboundedList(n.ElseList)
	}
	return true
}

func unboundedList(l *parse.ListNode) bool {
	return l != nil && slices.ContainsFunc(l.Nodes, unbounded)
}
