package explore

import "time"

// Workflows are all that can be explored.
func Workflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	return []Workflow{
		{Name: "grow-managers", About: "1 → 3 managers", Start: file{managers: 1}, Small: true,
			Play: func(r *run) { r.edit(file{managers: 3}) }},
		{Name: "add-worker", About: "a worker more", Start: file{managers: 1, workers: 1, services: web}, Small: true,
			Play: func(r *run) { r.edit(file{managers: 1, workers: 2, services: web}) }},
		{Name: "remove-worker", About: "a worker less, drained first", Start: file{managers: 1, workers: 2, services: web}, Small: true,
			Play: func(r *run) { r.edit(file{managers: 1, workers: 1, services: web}) }},
		{Name: "grow-shrink", About: "an edit taken back in the middle", Start: file{managers: 1, workers: 1},
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 3})
				r.wait(2 * time.Second)
				r.edit(file{managers: 1, workers: 1, labels: "{ zone: a }"})
			}},
	}
}

func workflowNamed(name string) (Workflow, bool) {
	for _, w := range Workflows() {
		if w.Name == name {
			return w, true
		}
	}
	return Workflow{}, false
}

func mutantNamed(name string) (Mutant, bool) { return Mutant{}, name == "" }
