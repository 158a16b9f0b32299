package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	libvirt "github.com/digitalocean/go-libvirt"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// fixed is a document before and after a fix.
type fixed struct {
	what, rule    string
	before, after string
}

// allFixed returns what the fixes of all rules make of the rules' fixtures, and of real documents
// where they are available.
func allFixed(t *testing.T) (out []fixed) {
	t.Helper()
	seen := map[string]bool{}
	add := func(file string, settings *audit.Settings, others []*audit.Domain, only *audit.Rule) {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if notValid.Match(doc) || needsLibvirt.Match(doc) {
			return
		}
		p := newProof(settings, others...)
		p.fixed = func(f *audit.Finding, x audit.Fix, before, after []byte) {
			if key := string(after); !seen[key] {
				seen[key] = true
				out = append(out, fixed{file + ": " + f.Rule.ID + ": " + x.Text, f.Rule.ID, string(before), key})
			}
		}
		p.document(t, file, doc, func(f *audit.Finding) bool { return only == nil || f.Rule == only })
	}
	fixtureFiles(t, func(t *testing.T, r *audit.Rule, file string, others []*audit.Domain) {
		t.Helper()
		add(file, settingsOf(t, file, []*audit.Rule{r}), others, r)
	})
	for _, file := range need.ValidDocuments(t) {
		add(file, &audit.Settings{Rules: All()}, nil, nil)
	}
	return out
}

// otherHost matches libvirt's refusals of fixes whose text states what the host must have: a host
// with KVM for the guest's architecture, a libvirt that was built with passt, and swtpm.
var otherHost = map[string]*regexp.Regexp{
	"boundary-accel-tcg": regexp.MustCompile(`virt type '?kvm|domain type 'kvm'|KVM is not supported|preferred machine .* kvm`),
	"passthrough-tpm":    regexp.MustCompile(`TPM version '2.0' is not supported`),
	"network-user-slirp": regexp.MustCompile(`'backend': 'passt'`),
}

// TestFixesOnLibvirt defines every fixed document with a real libvirtd: what it accepted before the
// fix it must accept after it.
func TestFixesOnLibvirt(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{KVM: true})
	conn, err := d.Dial()
	if err != nil {
		t.Fatal(err)
	}
	define := func(xml string) error {
		dom, err := conn.DomainDefineXMLFlags(xml, 0)
		if err == nil {
			err = conn.DomainUndefineFlags(dom, libvirt.DomainUndefineKeepNvram|libvirt.DomainUndefineKeepTpm)
		}
		return err
	}
	accepted := map[string]bool{}
	defined, others := 0, 0
	for _, x := range allFixed(t) {
		before, known := accepted[x.before]
		if !known {
			before = define(x.before) == nil
			accepted[x.before] = before
		}
		if !before {
			continue
		}
		switch err := define(x.after); {
		case err == nil:
			defined++
		case otherHost[x.rule] != nil && otherHost[x.rule].MatchString(err.Error()):
			others++
		default:
			t.Errorf("%s: libvirt accepted the document, and refuses it after the fix: %v\n%s", x.what, err, x.after)
		}
	}
	if defined == 0 {
		t.Error("libvirt accepts no document")
	}
	t.Logf("%d fixed documents are accepted as those before them; %d need another host", defined, others)
}

// TestFixesAreValid validates every fixed document with libvirt's schema: it is valid if it was valid
// before the fix.
func TestFixesAreValid(t *testing.T) {
	need.Programs(t, "xmllint", "virt-xml-validate")
	all := allFixed(t)
	directory := t.TempDir()
	var list strings.Builder
	numbers := map[string]int{} // of documents
	for _, x := range all {
		for _, text := range []string{x.before, x.after} {
			if _, ok := numbers[text]; ok {
				continue
			}
			file := filepath.Join(directory, strconv.Itoa(len(numbers)))
			numbers[text] = len(numbers)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			list.WriteString(file + "\n")
		}
	}
	cmd := exec.Command("xargs", "xmllint", "--noout", "--relaxng", "/usr/share/libvirt/schemas/domain.rng")
	cmd.Stdin = strings.NewReader(list.String())
	out, _ := cmd.CombinedOutput() // it fails with the first that is not valid, and lists all
	valid := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if file, ok := strings.CutSuffix(strings.TrimSpace(line), " validates"); ok {
			valid[filepath.Base(file)] = true
		}
	}
	proven := 0
	for _, x := range all {
		switch {
		case !valid[strconv.Itoa(numbers[x.before])]:
		case !valid[strconv.Itoa(numbers[x.after])]:
			t.Errorf("%s: the document was valid, and is not after the fix\n%s", x.what, x.after)
		default:
			proven++
		}
	}
	if proven == 0 {
		t.Error("no document is valid")
	}
	t.Logf("%d of %d fixed documents are valid, as before; the others were not", proven, len(all))
}
