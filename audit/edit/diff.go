package edit

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// context is the number of unchanged lines around a change.
const context = 3

// Diff returns the difference of two versions of a file in the unified format, with the name on
// both sides, as "patch -p0" and "git apply -p0" read it. It is "" if there is none. Only a line
// feed ends a line; a carriage return before it is part of the line.
//
// It compares lines, and not the edits that were made: there may have been several rounds of those.
// Lines that occur once in both versions are matched first, and then those between them, so that
// the time grows with the size of the file and not with its square.
func Diff(name string, before, after []byte) string {
	x, y := splitLines(before), splitLines(after)
	m := matcher{x: x, y: y}
	m.match(run{0, 0, 0}, run{len(x), len(y), 0}, 0)
	m.add(len(x), len(y), 0)

	var b strings.Builder
	for i := 0; i+1 < len(m.runs); {
		// A hunk is all changes with few lines between them.
		last := i + 1
		for last+1 < len(m.runs) && m.runs[last].n <= 2*context {
			last++
		}
		if b.Len() == 0 {
			label := quoted(name)
			b.WriteString("--- " + label + "\n+++ " + label + "\n")
		}
		m.writeHunk(&b, i, last)
		i = last
	}
	return b.String()
}

// splitLines returns the lines with their ends. The last may have none.
func splitLines(text []byte) []string {
	lines := strings.SplitAfter(string(text), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// run is a number of lines that are equal, from line x of the one version and y of the other.
type run struct{ x, y, n int }

// matcher finds the runs of equal lines. The first begins both versions and the last ends both;
// they can be empty.
type matcher struct {
	x, y []string
	runs []run
}

// add appends a run, or extends the last one.
func (m *matcher) add(x, y, n int) {
	if i := len(m.runs) - 1; i >= 0 && m.runs[i].x+m.runs[i].n == x && m.runs[i].y+m.runs[i].n == y {
		m.runs[i].n += n
	} else if i < 0 || n > 0 || x == len(m.x) {
		m.runs = append(m.runs, run{x, y, n})
	}
}

// maxRounds is how often lines that occur once are searched for inside a part.
const maxRounds = 8

// match finds the runs between two places.
func (m *matcher) match(from, to run, round int) {
	n := 0
	for from.x+n < to.x && from.y+n < to.y && m.x[from.x+n] == m.y[from.y+n] {
		n++
	}
	if n > 0 || len(m.runs) == 0 {
		m.add(from.x, from.y, n)
	}
	from = run{from.x + n, from.y + n, 0}
	tail := 0
	for to.x-tail > from.x && to.y-tail > from.y && m.x[to.x-tail-1] == m.y[to.y-tail-1] {
		tail++
	}
	to = run{to.x - tail, to.y - tail, 0}
	if round < maxRounds && from.x < to.x && from.y < to.y {
		if anchors := m.anchors(from, to); len(anchors) > 0 {
			for _, a := range anchors {
				m.match(from, a, round+1)
				m.add(a.x, a.y, 1)
				from = run{a.x + 1, a.y + 1, 0}
			}
			m.match(from, to, round+1)
		}
	}
	if tail > 0 {
		m.add(to.x, to.y, tail)
	}
}

// anchors returns the longest list of lines that occur once in both parts and have the same order
// there.
func (m *matcher) anchors(from, to run) []run {
	type occurrences struct{ x, y, at, other int }
	seen := map[string]*occurrences{}
	for i := from.x; i < to.x; i++ {
		if o := seen[m.x[i]]; o != nil {
			o.x++
		} else {
			seen[m.x[i]] = &occurrences{x: 1, at: i}
		}
	}
	for i := from.y; i < to.y; i++ {
		if o := seen[m.y[i]]; o != nil {
			o.y++
			o.other = i
		}
	}
	var pairs []run
	for i := from.x; i < to.x; i++ {
		if o := seen[m.x[i]]; o.x == 1 && o.y == 1 {
			pairs = append(pairs, run{i, o.other, 1})
		}
	}
	// The longest increasing subsequence: tops[k] is the pair that ends the best list of k+1 pairs.
	var tops []int
	previous := make([]int, len(pairs))
	for i, p := range pairs {
		k := sort.Search(len(tops), func(k int) bool { return pairs[tops[k]].y >= p.y })
		if previous[i] = -1; k > 0 {
			previous[i] = tops[k-1]
		}
		if k == len(tops) {
			tops = append(tops, i)
		}
		tops[k] = i
	}
	if len(tops) == 0 {
		return nil
	}
	var list []run
	for i := tops[len(tops)-1]; i >= 0; i = previous[i] {
		list = append(list, pairs[i])
	}
	slices.Reverse(list)
	return list
}

// writeHunk writes the changes between two runs, and the lines around them.
func (m *matcher) writeHunk(b *strings.Builder, first, last int) {
	start, end := m.runs[first], m.runs[last]
	lead, trail := min(context, start.n), min(context, end.n)
	x, y := start.x+start.n-lead, start.y+start.n-lead
	fmt.Fprintf(b, "@@ -%s +%s @@\n", lineRange(x, end.x+trail), lineRange(y, end.y+trail))
	writeLines(b, " ", m.x[x:x+lead])
	for i := first; i < last; i++ {
		from, to := m.runs[i], m.runs[i+1]
		writeLines(b, "-", m.x[from.x+from.n:to.x])
		writeLines(b, "+", m.y[from.y+from.n:to.y])
		n := to.n
		if i+1 == last {
			n = trail
		}
		writeLines(b, " ", m.x[to.x:to.x+n])
	}
}

// lineRange formats the lines from one index to another: the number of the first, or of the line
// before if there are none, and how many they are.
func lineRange(from, to int) string {
	first := from
	if to > from {
		first++
	}
	return fmt.Sprintf("%d,%d", first, to-from)
}

func writeLines(b *strings.Builder, mark string, lines []string) {
	for _, line := range lines {
		b.WriteString(mark + line)
		if !strings.HasSuffix(line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// quoted writes a file name as GNU diff and git do: in quotes if it contains characters that end
// it, and with a tab after a name with blanks.
func quoted(name string) string {
	special := func(c rune) bool { return c < ' ' || c == '"' || c == '\\' || c == 0x7F }
	if !strings.ContainsFunc(name, special) {
		if strings.Contains(name, " ") {
			return name + "\t"
		}
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(name) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(rune(c)))
		case c < ' ' || c >= 0x7F:
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
