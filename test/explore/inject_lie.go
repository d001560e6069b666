package explore

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// Well-formed lies: an answer that could be true, and is not. Each is told once.

// listsOf are the lists that lies are told of.
var listsOf = []string{listDroplets, "GET /nodes", "GET /services", "GET /tasks", "GET /networks", "GET /configs"}

// lies reports whether the lie can be told in answer to such a call.
func (k Kind) lies(s Sign, w Workflow) bool {
	if s.Call == listDroplets && w.Pages > 0 {
		return false
	}
	switch k {
	case OtherIDs:
		return slices.Contains(listsOf, s.Call) || s.Call == getDroplet
	case Fewer:
		return slices.Contains(listsOf, s.Call)
	case OtherStates:
		return slices.Contains([]string{listDroplets, getDroplet, "GET /nodes", "GET /tasks"}, s.Call)
	}
	return false
}

// liesTo are the kinds of lie that can be told in answer to the call.
func (in *injector) liesTo(s Sign) []Kind {
	return slices.DeleteFunc(Kinds(), func(k Kind) bool { return !k.tells() || !k.Applies(s, in.run.workflow) })
}

// temptation is an answer with what each kind of lie would make of it.
type temptation struct {
	answer string
	before int // lists of droplets that had come until then
	lies   map[Kind]uint64
}

// tempted leaves an answer as it is and notes what each kind of lie would make of it. Most answers are those of the last time.
func (in *injector) tempted(t *ticket, kinds []Kind, lies map[Kind]uint64) func(int, http.Header, []byte) (int, []byte) {
	list := t.sign.Call == listDroplets
	return func(status int, h http.Header, body []byte) (int, []byte) {
		if list {
			in.remember(status, h, body)
		}
		where, same := t.path+"?"+t.query, temptation{string(body), len(in.lists), lies}
		if was := in.tempts[where]; was.answer == same.answer && (was.before == same.before || !list) && t.sign.Call != getDroplet {
			maps.Copy(lies, was.lies)
			return status, body
		}
		truth := meaning(status, body)
		for _, k := range kinds {
			if lie := meaning(in.lie(k, t)(status, h, body)); lie != truth {
				lies[k] = lie
			}
		}
		in.tempts[where] = same
		return status, body
	}
}

// meaning is a digest of an answer, whatever the order and the spaces it is written with.
func meaning(status int, body []byte) uint64 {
	var answer any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&answer) == nil {
		if plain, err := json.Marshal(answer); err == nil {
			body = plain
		}
	}
	h := sumBasis
	h.number(uint64(status))
	h.text(string(body))
	return uint64(h)
}

// falsify makes a lie of a true answer.
func (in *injector) falsify(k Kind, body []byte) []byte {
	var answer any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&answer) != nil {
		return body
	}
	switch list, _ := items(answer); {
	case k == Fewer:
		answer = fewer(answer)
	case k == OtherIDs:
		in.swapIDs(list)
	case k == OtherStates:
		for _, item := range list {
			turn(item)
		}
	}
	lie, err := json.Marshal(answer)
	if err != nil {
		return body
	}
	return lie
}

// items are the objects of an answer, and whether it is a list of them.
func items(answer any) (all []map[string]any, list bool) {
	page, _ := answer.(map[string]any)
	entries, list := answer.([]any)
	if droplets, ok := page["droplets"].([]any); ok {
		entries, list = droplets, true
	} else if one, ok := page["droplet"]; ok {
		entries = []any{one}
	}
	for _, e := range entries {
		if m, ok := e.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all, list
}

// fewer takes the first of the list away, and counts it no more.
func fewer(answer any) any {
	if list, ok := answer.([]any); ok {
		return list[min(1, len(list)):]
	}
	page, _ := answer.(map[string]any)
	if list, ok := page["droplets"].([]any); ok {
		page["droplets"] = list[min(1, len(list)):]
		page["meta"] = map[string]any{"total": max(0, len(list)-1)}
	}
	return answer
}

// swapIDs gives each object its neighbour's id; one that is alone gets that of another droplet.
func (in *injector) swapIDs(all []map[string]any) {
	if len(all) == 0 {
		return
	}
	key := "ID"
	if _, droplet := all[0]["id"]; droplet {
		key = "id"
	}
	first := all[0][key]
	for i := range all[:len(all)-1] {
		all[i][key] = all[i+1][key]
	}
	all[len(all)-1][key] = first
	if droplets := in.run.world.Cloud.Droplets(); len(all) == 1 && key == "id" && len(droplets) > 1 {
		if all[0][key] = droplets[0].ID; json.Number(itoa(droplets[0].ID)) == first {
			all[0][key] = droplets[1].ID
		}
	}
}

// turn says the contrary of what an object's state is.
func turn(item map[string]any) {
	contrary := map[string]string{"active": "off", "off": "active", "new": "active", "ready": "down", "down": "ready", "unknown": "ready",
		"running": "failed", "failed": "running", "shutdown": "running", "pending": "running"}
	if status, ok := item["status"].(string); ok && contrary[status] != "" {
		item["status"] = contrary[status]
	}
	if status, ok := item["Status"].(map[string]any); ok {
		if s, ok := status["State"].(string); ok && contrary[s] != "" {
			status["State"] = contrary[s]
		}
	}
}
