package cpumodel

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/need"
)

var (
	update = flag.Bool("update", false, "write the models of QEMU to the table, and keep those that it lacks")
	qemu   = flag.String("qemu", "qemu-system-x86_64", "the command that starts QEMU, with arguments between blanks")
)

const header = `# CPU models of QEMU for x86: name, vendor, and those of their features that the package knows. The answers
# of QEMU 5.2, 7.2, 10.0 and 11.1 to query-cpu-model-expansion, which do not differ for a model.
# Written by: go test ./rules/internal/cpumodel -update [-qemu COMMAND]
`

// TestModels asks the installed QEMU for its models, and compares them with the table. Models that
// other releases of QEMU have may be in the table too.
func TestModels(t *testing.T) {
	need.Programs(t, "qemu-system-x86_64")
	known := map[string]string{}
	for name, m := range models() {
		if !slices.Contains(others, name) {
			known[name] = line(name, m.vendor, m.features)
		}
	}
	asked := expand(t)
	if len(asked) < 100 {
		t.Fatalf("QEMU has only %d models", len(asked))
	}
	if *update {
		maps.Copy(known, asked)
		lines := []string{header}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			lines = append(lines, known[name])
		}
		if err := os.WriteFile("models.txt", []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name, l := range asked {
		if known[name] != l {
			t.Errorf("the table has %q, and QEMU %q", known[name], l)
		}
	}
}

func line(name, vendor string, features []string) string {
	return strings.Join(append([]string{name, vendor}, features...), " ") + "\n"
}

// expand returns the line of each model of QEMU, except those whose features are the host's.
func expand(t *testing.T) map[string]string {
	t.Helper()
	command := strings.Fields(*qemu)
	c := exec.Command(command[0], append(slices.Clone(command[1:]), "-machine", "none", "-accel", "tcg",
		"-nodefaults", "-display", "none", "-S", "-qmp", "stdio")...)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	q := monitor{t, in, bufio.NewReader(out)}
	q.ask("qmp_capabilities", "", nil)
	var definitions []struct{ Name string }
	q.ask("query-cpu-definitions", "", &definitions)
	lines := map[string]string{}
	for _, d := range definitions {
		if d.Name == "host" || d.Name == "max" {
			continue
		}
		var expansion struct {
			Model struct{ Props map[string]any }
		}
		q.ask("query-cpu-model-expansion", fmt.Sprintf(`{"type":"full","model":{"name":%q}}`, d.Name), &expansion)
		p := expansion.Model.Props
		var features []string
		for _, f := range Features {
			if p[f] == true {
				features = append(features, f)
			}
		}
		vendor, _ := p["vendor"].(string)
		if d.Name == "base" {
			vendor = "none" // 12 NUL bytes
		}
		lines[d.Name] = line(d.Name, vendor, features)
	}
	return lines
}

type monitor struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// ask runs a command of QMP and decodes what it returns.
func (q monitor) ask(command, arguments string, into any) {
	q.t.Helper()
	if arguments == "" {
		arguments = "{}"
	}
	if _, err := fmt.Fprintf(q.in, `{"execute":%q,"arguments":%s}`+"\n", command, arguments); err != nil {
		q.t.Fatal(err)
	}
	for {
		text, err := q.out.ReadBytes('\n')
		if err != nil {
			q.t.Fatalf("%s: %v", command, err)
		}
		var reply struct{ Return, Error json.RawMessage }
		if err := json.Unmarshal(text, &reply); err != nil {
			q.t.Fatalf("%s: %v", command, err)
		}
		switch {
		case reply.Error != nil:
			q.t.Fatalf("%s %s: %s", command, arguments, reply.Error)
		case reply.Return == nil: // the greeting, or an event
		case into == nil:
			return
		default:
			if err := json.Unmarshal(reply.Return, into); err != nil {
				q.t.Fatalf("%s: %v", command, err)
			}
			return
		}
	}
}
