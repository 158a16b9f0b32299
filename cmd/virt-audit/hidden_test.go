package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canaryPlaces are where people put secrets, with %s for one: what a domain contains after its
// <os>. virt-audit knows some of the places, and others by their words alone.
func canaryPlaces() []string {
	out := []string{
		"<devices><graphics type='vnc' passwd='%s' listen='0.0.0.0'/></devices>",
		"<devices><filesystem type='mount'><source dir='//user:%s@host/share'/><target dir='t'/></filesystem></devices>",
		"<devices><filesystem type='mount'><source dir='smb://user:%s@host/share'/><target dir='t'/></filesystem></devices>",
		"<devices><disk type='file'><source file='https://user:%s@host/share'/><target dev='vda'/></disk></devices>",
		"<devices><disk type='network'><source protocol='rbd' name='p/i:key=%s'><host name='user:%s@h'/></source></disk></devices>",
		"<devices><disk type='network'><source protocol='https' name='x' query='token=%s'/></disk></devices>",
		"<devices><disk type='network'><source protocol='https' name='x'><cookies><cookie name='a'>%s</cookie></cookies></source></disk></devices>",
		"<devices><disk type='file'><target dev='user:%s@vda'/></disk></devices>",
		"<devices><emulator>/home/a?password=%s</emulator></devices>",
		"<os><cmdline>quiet rd.luks.password=%s</cmdline></os>",
		"<os><loader>/home/user:%s@x</loader></os>",
		"<sysinfo type='smbios'><oemStrings><entry>io.systemd.credential:a=%s</entry></oemStrings></sysinfo>",
		"<metadata><cockpit_machines:data xmlns:cockpit_machines='https://github.com/cockpit-project/cockpit/tree/main/pkg/machines'>" +
			"<cockpit_machines:root_password>%s</cockpit_machines:root_password><cockpit_machines:user_password>%s</cockpit_machines:user_password></cockpit_machines:data></metadata>",
		"<unknown name='password' value='%s'/>", "<unknown name='password'>%s</unknown>",
		"<unknown><!-- password %s --></unknown>", "<!-- <graphics passwd='%s'/> --><unknown/>",
		"<unknown>user:%s@host</unknown>", "<unknown>\n<passwd>%s</passwd></unknown>", "<passwd><a>%s</a></passwd>", "<passwd><![CDATA[%s]]></passwd>",
		"<f:token xmlns:f='urn:f'>%s</f:token>", "<memory>1</memory><memory passwd='%s'>2</memory>",
		"<metadata><metadata>x</metadata>%s</metadata><unknown/>",
		"<qemu:commandline><qemu:arg value='-object'/><qemu:arg value='secret,id=s,data=%s'/><qemu:arg value='-fsdev'/><qemu:arg value='local,id=f,path=/etc?password=%s,security_model=none'/></qemu:commandline>",
		"<devices>the root password is %s<disk/></devices>", "<devices><passwd/>%s<disk/></devices>",
		"<devices><disk type='file'><source file='/pass&#119;ord=%s'/></disk></devices>", "<devices><emulator>u&#x3a;%s&#64;h</emulator></devices>",
		"<devices>p&#97;ssword&#61;%s<disk/></devices>", "<unknown x='{&quot;password&quot;:&quot;%s&quot;}'/>",
		"<metadata><va:audit xmlns:va='https://github.com/virt-audit/virt-audit/xmlns/1.0'><va:waive rule='cpu-model-baseline'>log in with password=%s</va:waive></va:audit></metadata>",
		"<devices><graphics type='vnc' passwd='x'>%s<a/></graphics></devices>", "<devices><emulator>/x?pass<!-- -->word=%s</emulator></devices>",
		"<passwd x='%s'/>", "<secret plain='%s'/>", "<unknown>{{ passwd | default('%s') }}</unknown>", "<unknown x='{{ pw_default or token(%s) }}'/>",
		"<qemu:commandline><qemu:arg value='-accel'/><qemu:arg value='u:%s@h'/><qemu:arg value='-monitor'/><qemu:arg value=':%s@h'/>" +
			"<qemu:arg value='-machine'/><qemu:arg value='q35,pw=%s'/><qemu:arg value='-incoming'/><qemu:arg value='exec:curl -u u:%s'/></qemu:commandline>",
		"<qemu:commandline><qemu:env name='LD_PRELOAD' value='%s'/></qemu:commandline>",
	}
	for _, name := range []string{"passwd", "password", "passphrase", "pass", "token", "secret", "apikey", "api_key", "key", "credential", "auth", "ticket", "psk", "pw", "PASSWD", "jwt", "bearer"} {
		out = append(out, "<"+name+">%s</"+name+">", "<unknown><"+name+">%s</"+name+"></unknown>")
	}
	for _, name := range []string{"pswd", "auth", "ticket", "pw", "pass", "passphrase", "key", "password", "pwd", "vncPassword", "secretKey", "user_pw", "authToken"} {
		out = append(out, "<devices><graphics type='vnc' "+name+"='%s'/></devices>", "<unknown "+name+"='%s'/>")
	}
	return out
}

// brokenPlaces are beside an error in the document.
var brokenPlaces = []string{
	"<passwd>%s</passwd", "<passwd>%s & x</passwd>", "<passwd>%s<</passwd>", "<graphics passwd='%s' passwd='%s'/>", "<graphics passwd='%s'x='1'/>",
	"<graphics passwd=%s/>", "<token>%s</tokn>", "<memory>%s</memory>", "<memory>user:%s@x</memory>", "<vcpu>password=%s</vcpu>",
	"<devices><graphics type='vnc' port='password=%s'/></devices>", "<os><type arch='user:%s@x'>hvm</type></os>", "<os><type>password=%s</type></os>",
}

// TestHiddenSecrets puts a secret into each place, audits it with all rules, and looks for it in
// every report and list, the baseline, the difference to a run before, and in standard error.
func TestHiddenSecrets(t *testing.T) {
	const secret = "C4naryBird"
	preloaded := ""
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	for _, d := range []string{in, out} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i, place := range append(canaryPlaces(), brokenPlaces...) {
		// On one line, where an excerpt shows what is beside, and as a guest that others have
		// something in common with.
		inside := strings.ReplaceAll(place, "%s", fmt.Sprintf("%s%03d", secret, i))
		if strings.Contains(place, "LD_PRELOAD") {
			preloaded = fmt.Sprintf("%s%03d", secret, i)
		}
		os1 := "<os><type arch='x86_64' machine='q35'>hvm</type></os>"
		if strings.HasPrefix(inside, "<os>") {
			os1 = ""
			inside = strings.Replace(inside, "<os><c", "<os><type arch='x86_64' machine='q35'>hvm</type><c", 1)
			inside = strings.Replace(inside, "<os><l", "<os><type arch='x86_64' machine='q35'>hvm</type><l", 1)
		}
		for n := range 2 {
			text := fmt.Sprintf("<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>g%d-%d</name>%s%s</domain>", i, n, os1, inside)
			if err := os.WriteFile(filepath.Join(in, fmt.Sprintf("g%03d-%d.xml", i, n)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	stdout, stderr := typed(t, hostileArgs(in, out)...)
	typed(t, "--no-config", "--format", "json:"+filepath.Join(out, "empty.json"), "../../testdata/fleet/web01.xml")
	diff, diffErr := typed(t, "diff", filepath.Join(out, "empty.json"), filepath.Join(out, "report.json"))
	typed(t, append(hostileArgs(in, out), "--baseline", filepath.Join(out, "baseline"))...)
	texts := map[string]string{"standard output": stdout, "standard error": stderr, "diff": diff + diffErr}
	for _, args := range reachLists(in) {
		list, listErr := typed(t, args...)
		// The library that LD_PRELOAD names is loaded, and that it is a secret is assumed for reports only.
		texts[strings.Join(args[:len(args)-1], " ")] = strings.ReplaceAll(list+listErr, "/"+preloaded, "")
	}
	files, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(out, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		texts[f.Name()] = string(data)
	}
	if len(texts) < 15 || !strings.Contains(texts["report.json"], "document-unknown-element") || !strings.Contains(texts["diff"], "document-unknown-element") {
		t.Fatalf("%d texts, or nothing is found:\n%.1000s", len(texts), stderr)
	}
	seen := map[string]bool{}
	for name, text := range texts {
		for rest := text; ; {
			i := strings.Index(rest, secret)
			if i < 0 {
				break
			}
			if what := name + rest[i:i+len(secret)+3]; !seen[what] {
				seen[what] = true
				t.Errorf("%s shows a secret: %s", name, rest[max(0, i-100):min(len(rest), i+40)])
			}
			rest = rest[i+len(secret):]
		}
	}
}
