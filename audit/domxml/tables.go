package domxml

import "strings"

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

func parseTable(text string) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for line := range strings.Lines(text) {
		if parent, names, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			out[parent] = set(strings.Fields(names)...)
		}
	}
	return out
}
