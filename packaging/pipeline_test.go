package packaging_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// actionlint reads GitHub's files; it is run by pinned version.
const actionlint = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"

// good and bad are guests of a repository; gateway is XML that is not a guest.
func good(t *testing.T) string {
	t.Helper()
	return read(t, "testdata/rules/boundary-accel-tcg/good.xml")
}

func bad(t *testing.T) string {
	t.Helper()
	return read(t, "testdata/rules/boundary-accel-tcg/bad.xml")
}

const gateway = "<network><name>gateway</name></network>\n"

// repository creates a repository with files, and returns its directory and environment.
func repository(t *testing.T, files map[string]string) (dir string, env []string) {
	t.Helper()
	need.Programs(t, "git", "bash")
	dir = t.TempDir()
	env = []string{
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"),
	}
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	run(t, dir, env, "sh", "-euc", "git init -q; git add .; git commit -qm one --allow-empty")
	return dir, env
}

// action is the part of action.yml that a runner reads.
type action struct {
	Inputs  map[string]struct{ Default string }
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			Name, ID, Run, Shell, Uses string
			Env                        map[string]string
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{ *([^ ]+) *\}\}`)

// TestAction runs the steps of the action as a runner does, with bash and the inputs of a workflow.
func TestAction(t *testing.T) {
	var a action
	if err := yaml.Unmarshal([]byte(read(t, "action.yml")), &a); err != nil {
		t.Fatal(err)
	}
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	temp, output := t.TempDir(), filepath.Join(t.TempDir(), "output")
	// play runs all steps, and returns the log, the output, and whether a step failed.
	play := func(dir string, inputs map[string]string, only string) (log, outputs string, ok bool) {
		t.Helper()
		value := func(name string) string {
			switch scope, key, _ := strings.Cut(name, "."); {
			case name == "github.action_path":
				return checkout
			case name == "github.action_ref":
				return "v1.2.3"
			case scope == "inputs":
				in, known := a.Inputs[key]
				if !known {
					t.Fatalf("the action has no input %s", key)
				}
				if v, given := inputs[key]; given {
					return v
				}
				return in.Default
			}
			t.Fatalf("the runner has no %s", name)
			return ""
		}
		for _, step := range a.Runs.Steps {
			if step.Run == "" || only != "" && step.Name != only {
				continue
			}
			if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
				t.Fatalf("%s: shell %q, and no expression may be part of a script", step.Name, step.Shell)
			}
			script := filepath.Join(temp, "step.sh")
			write(t, script, step.Run)
			write(t, output, "")
			env := []string{"RUNNER_TEMP=" + temp, "GITHUB_OUTPUT=" + output, "GITHUB_WORKSPACE=" + dir}
			for name, text := range step.Env {
				env = append(env, name+"="+expression.ReplaceAllStringFunc(text, func(e string) string {
					return value(expression.FindStringSubmatch(e)[1])
				}))
			}
			out, err := command(dir, env, "bash", "--noprofile", "--norc", "-eo", "pipefail", script).CombinedOutput()
			written, readErr := os.ReadFile(output)
			if readErr != nil {
				t.Fatal(readErr)
			}
			log, outputs = string(out), string(written)
			if err != nil {
				return log, outputs, false
			}
		}
		return log, outputs, true
	}

	dir, _ := repository(t, map[string]string{"guests/web.xml": good(t), "it's $(touch pwned).xml": good(t)})
	log, out, ok := play(dir, nil, "")
	if !ok || out != "exit-code=0\n" {
		t.Fatalf("good guests: %s%s", out, log)
	}
	if v := run(t, dir, nil, filepath.Join(temp, "virt-audit-bin", "virt-audit"), "--version"); v != "virt-audit 1.2.3\n" {
		t.Errorf("virt-audit reports version %s", v)
	}
	ids := map[string]bool{}
	for _, step := range a.Runs.Steps {
		ids[step.ID] = true
	}
	for name, o := range a.Outputs {
		if v := strings.Split(expression.FindStringSubmatch(o.Value)[1], "."); v[0] != "steps" || !ids[v[1]] || v[3] != name || !strings.Contains(out, name+"=") {
			t.Errorf("no step has the output %s: %s", name, o.Value)
		}
	}

	write(t, filepath.Join(dir, "guests", "old.xml"), bad(t))
	for _, c := range []struct {
		inputs  map[string]string
		code    string
		want    string // in the log
		written string // must be written
	}{
		{nil, "1", "::error file=guests/old.xml,line=", ""},
		{map[string]string{"paths": "guests/web.xml\n\nit's $(touch pwned).xml\n"}, "0", "", ""},
		{map[string]string{"paths": "guests", "format": "github\nsarif:audit.sarif\n"}, "1", "::error", "audit.sarif"},
		{map[string]string{"paths": "guests", "format": "json", "output": "a report.json"}, "1", "", "a report.json"},
		{map[string]string{"args": "--exit-zero\n--skip-rule=boundary-accel-tcg"}, "0", "", ""},
		{map[string]string{"args": "--write-baseline=base.json"}, "0", "", "base.json"},
		{map[string]string{"baseline": "base.json"}, "0", "", ""},
		{map[string]string{"config": "none.yaml"}, "2", "none.yaml", ""},
		{map[string]string{"paths": ""}, "", "::error::virt-audit", ""},
		{map[string]string{"paths": "nothing"}, "4", "nothing", ""},
		{map[string]string{"fail-on": "\"; touch pwned; \""}, "2", "fail-on", ""},
	} {
		log, out, ok := play(dir, c.inputs, "Audit")
		if want := map[bool]string{true: "exit-code=" + c.code + "\n"}[c.code != ""]; out != want || ok != (c.code == "0") || !strings.Contains(log, c.want) {
			t.Errorf("%q: output %q, want %q, succeeded %v\n%s", c.inputs, out, want, ok, log)
		}
		if _, err := os.Stat(filepath.Join(dir, c.written)); err != nil {
			t.Errorf("%q: %v", c.inputs, err)
		}
	}

	// The configuration of a checkout that all users can write to, as in a container, counts.
	write(t, filepath.Join(dir, ".virt-audit.yaml"), "disable: [boundary-accel-tcg]\n")
	run(t, dir, nil, "chmod", "666", ".virt-audit.yaml")
	if log, out, ok := play(dir, nil, "Audit"); !ok {
		t.Errorf("the configuration does not count: %s%s", out, log)
	}
	write(t, filepath.Join(dir, "other.yaml"), "fail-on: nonsense\n")
	for args, code := range map[string]string{"--no-config": "1", "--config=other.yaml": "2"} {
		if log, out, _ := play(dir, map[string]string{"args": args}, "Audit"); out != "exit-code="+code+"\n" {
			t.Errorf("%s: %s%s", args, out, log)
		}
	}
	write(t, filepath.Join(dir, ".virt-audit.yml"), "disable: []\n")
	if log, out, _ := play(dir, nil, "Audit"); out != "exit-code=2\n" || !strings.Contains(log, "remove one") {
		t.Errorf("two configurations: %s%s", out, log)
	}
	if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
		t.Error("an input was executed")
	}
}

// TestWorkflow runs actionlint on the workflow and on its use of the action.
func TestWorkflow(t *testing.T) {
	text := read(t, "packaging/ci/github-workflow.yml")
	local := strings.ReplaceAll(text, "virt-audit/virt-audit@v1", "./")
	if local == text {
		t.Fatal("the workflow does not use the action")
	}
	dir, env := repository(t, map[string]string{".github/workflows/virt-audit.yml": local, "action.yml": read(t, "action.yml")})
	lint := filepath.Join(scratch, "bin", "actionlint")
	out, err := command(dir, []string{"GOBIN=" + filepath.Dir(lint)}, "go", "install", actionlint).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run(t, dir, env, lint, "-no-color")
	write(t, filepath.Join(dir, ".github", "workflows", "virt-audit.yml"), strings.Replace(local, "fail-on:", "fail-at:", 1))
	if out, err := command(dir, env, lint, "-no-color").CombinedOutput(); err == nil || !strings.Contains(string(out), "fail-at") {
		t.Errorf("actionlint does not know the action: %v %s", err, out)
	}
}

// TestGitLab runs the job as GitLab's runner does, and reads the reports from the paths that the
// job declares.
func TestGitLab(t *testing.T) {
	var ci map[string]struct {
		BeforeScript []string `yaml:"before_script"`
		Script       []string
		Variables    map[string]string
		Artifacts    struct {
			Paths   []string
			Reports map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "packaging/ci/gitlab-ci.yml")), &ci); err != nil {
		t.Fatal(err)
	}
	job, ok := ci["virt-audit"]
	if !ok || len(job.Script) == 0 || len(job.Artifacts.Reports) != 2 {
		t.Fatalf("the job is %+v", job)
	}
	file := program(t)
	for name, guest := range map[string]string{"good": good(t), "bad": bad(t)} {
		dir, env := repository(t, map[string]string{"guests/web.xml": guest})
		env = append(env, "PATH="+filepath.Dir(file)+":"+path)
		for k, v := range job.Variables {
			env = append(env, k+"="+v)
		}
		// All lines but the installation, which installs a release.
		lines := slices.DeleteFunc(slices.Concat(job.BeforeScript, job.Script), func(l string) bool { return strings.Contains(l, "go install") })
		if len(lines) != len(job.BeforeScript)+len(job.Script)-1 {
			t.Errorf("the job is %q", lines)
		}
		script := strings.Join(lines, "\n")
		out, err := command(dir, env, "sh", "-euc", script).CombinedOutput()
		if (err == nil) != (name == "good") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		for kind, report := range job.Artifacts.Reports {
			data, err := os.ReadFile(filepath.Join(dir, report))
			if err != nil || strings.Contains(string(data), "boundary-accel-tcg") != (name == "bad") && kind == "codequality" {
				t.Errorf("%s, %s: %v\n%s", name, kind, err, data)
			}
			if !slices.Contains(job.Artifacts.Paths, report) {
				t.Errorf("%s cannot be looked at", report)
			}
		}
		write(t, filepath.Join(dir, ".virt-audit.yaml"), "disable: [boundary-accel-tcg]\n")
		run(t, dir, nil, "chmod", "666", ".virt-audit.yaml") // as the runner leaves it
		if out, err := command(dir, env, "sh", "-euc", script).CombinedOutput(); err != nil {
			t.Errorf("%s, with a configuration: %v\n%s", name, err, out)
		}
	}
}

// TestPreCommit lets the real pre-commit install the hooks from a local repository, and commits
// with them.
func TestPreCommit(t *testing.T) {
	need.Programs(t, "pre-commit")
	hooks, env := repository(t, map[string]string{".pre-commit-hooks.yaml": read(t, ".pre-commit-hooks.yaml")})
	source(t, hooks)
	run(t, hooks, env, "sh", "-euc", "git add .; git commit -qm two; git tag v1.0.0")

	config := "repos: [{repo: '" + hooks + "', rev: v1.0.0, hooks: [{id: virt-audit}, {id: virt-audit-all, args: [--skip-rule=cpu-model-baseline, guests], stages: [manual]}]}]\n"
	dir, _ := repository(t, map[string]string{".pre-commit-config.yaml": config})
	env = append(env, "PRE_COMMIT_HOME="+t.TempDir())
	for _, name := range []string{"GOPROXY", "GOSUMDB", "GOCACHE", "GOMODCACHE"} { // so that nothing is fetched and compiled again
		env = append(env, name+"="+strings.TrimSpace(run(t, root, nil, "go", "env", name)))
	}
	run(t, dir, env, "pre-commit", "install", "--install-hooks") // pre-commit 3.0 lets variables of "git commit" through to Go
	commit := func(name, text string) (string, error) {
		t.Helper()
		write(t, filepath.Join(dir, name), text)
		out, err := command(dir, env, "sh", "-euc", `git add "$1"; git commit -qm more -- "$1"`, "sh", name).CombinedOutput()
		if err != nil {
			run(t, dir, env, "git", "reset", "-q", "--hard")
		}
		return string(out), err
	}
	for _, c := range []struct{ name, text, refused string }{
		{"guests/web.xml", good(t), ""},
		{"guests/two words.xml", good(t), ""},
		{"gateway.xml", gateway, ""},
		{"notes.txt", "no XML\n", ""},
		{"guests/old.xml", bad(t), "boundary-accel-tcg"},
		{"guests/broken.xml", "<domain", "broken.xml:1:"},
	} {
		out, err := commit(c.name, c.text)
		if (err != nil) != (c.refused != "") || !strings.Contains(out, c.refused) {
			t.Errorf("%s: refused %v, want %q\n%s", c.name, err, c.refused, out)
		}
	}
	all := func() error {
		t.Helper()
		out, err := command(dir, env, "pre-commit", "run", "--all-files", "--hook-stage", "manual", "virt-audit-all").CombinedOutput()
		t.Logf("%s", out)
		return err
	}
	if err := all(); err != nil {
		t.Errorf("all guests are good: %v", err)
	}
	for _, name := range []string{"one", "two"} {
		guest := strings.Replace(good(t), "<name>web<", "<name>"+name+"<", 1)
		guest = strings.Replace(guest, "</devices>", "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/><model type='virtio'/></interface></devices>", 1)
		if out, err := commit("guests/"+name+".xml", guest); err != nil { // alone, each is good
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if err := all(); err == nil {
		t.Error("two guests have one address, and it is not reported")
	}
}
