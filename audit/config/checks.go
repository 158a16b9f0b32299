package config

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/yamldoc"
)

// pathLike reports whether a word is the name of a file rather than one of the choices of its key.
func pathLike(word string) bool {
	return strings.Contains(word, "/") || filepath.Ext(word) == ".yaml" || filepath.Ext(word) == ".yml"
}

// checkPolicy checks the name of a policy file.
func checkPolicy(r *reader, n yamldoc.Node, word string) (string, bool) {
	file, ok := r.file(n, "policy", word)
	if slices.Contains(policy.Names(), file) {
		file = "./" + file // without the directory it would be the name of an edition
	}
	return file, ok
}

func checkBaseline(r *reader, n yamldoc.Node, word string) (string, bool) {
	return r.file(n, "baseline", word)
}

// file resolves the name of a file that is read. It refuses an open file of this process: only the caller
// knows what that is, and reading standard input would block.
func (r *reader) file(n yamldoc.Node, option, word string) (string, bool) {
	file := r.resolve(word)
	if isDescriptor(file) {
		n.Errorf("name it with --"+option, "%q is an open file of the calling process", file)
		return "", false
	}
	return file, true
}

func checkVersion(_ *reader, n yamldoc.Node, word string) (string, bool) {
	if _, err := policy.ParseVersion(word); err != nil {
		n.Errorf("", "%v", err)
		return "", false
	}
	return word, true
}

func checkDay(_ *reader, n yamldoc.Node, word string) (string, bool) {
	if _, err := domxml.ParseDay(word); err != nil {
		n.Errorf("", "%v", err)
		return "", false
	}
	return word, true
}

var size = regexp.MustCompile(`^([1-9][0-9]{0,9})([KMG]?)$`)

func checkSize(_ *reader, n yamldoc.Node, word string) (string, bool) {
	if m := size.FindStringSubmatch(word); m != nil {
		number, _ := strconv.ParseInt(m[1], 10, 64)
		if number <= domxml.MaxSize>>map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[m[2]] {
			return word, true
		}
	}
	n.Errorf("", "%q is not a size between 1 and %dM", word, domxml.MaxSize>>20)
	return "", false
}

// checkFormat checks FORMAT or FORMAT:FILE. A configuration may be part of a checkout, so its output
// files must be below its directory; the configuration of the system may name others.
func checkFormat(r *reader, n yamldoc.Node, word string) (string, bool) {
	name, file, named := strings.Cut(word, ":")
	if strings.Contains(word, ",") { // the option would split it
		n.Errorf("write several formats as a list, [text, sarif:out.sarif]", "%q contains a comma", word)
		return "", false
	}
	if !n.OneOf("format", name, r.known.Formats) {
		return "", false
	}
	switch {
	case !named || file == "-":
		return name, true
	case file == "":
		n.Errorf("", "%q has no file name", word)
	case inRepository(file):
		n.Errorf(byOption, "%q is in %s, where git keeps its hooks", file, container)
	case filepath.IsAbs(file) && r.out.Path == System:
		return name + ":" + filepath.Clean(file), true
	case !MayWrite(file):
		n.Errorf(byOption, "%q is outside the directory of the configuration", file)
	default:
		return name + ":" + r.resolve(file), true
	}
	return "", false
}

// checkPath checks an absolute path that guests may use.
func checkPath(_ *reader, n yamldoc.Node, file string) (string, bool) {
	switch {
	case !path.IsAbs(file):
		n.Errorf("", "%q is not an absolute path", file)
	case path.Clean(file) != file:
		n.Errorf("write "+path.Clean(file), "%q is not the shortest form of the path", file)
	case file == "/":
		n.Errorf("disable the rules instead", "%q would allow every path", file)
	default:
		return file, true
	}
	return "", false
}

func checkURL(_ *reader, n yamldoc.Node, text string) (string, bool) {
	u, err := url.Parse(text)
	scheme := strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
	if err != nil || !scheme || u.Host == "" || strings.ContainsAny(text, " \"<>") {
		n.Errorf("", "%q is not an address that begins with https:// or http://", text)
		return "", false
	}
	return text, true
}

// resolve returns a file of the configuration as it is named from the working directory.
func (r *reader) resolve(file string) string {
	if filepath.IsAbs(file) {
		return filepath.Clean(file)
	}
	return filepath.Join(r.out.Dir(), file)
}

func texts[T fmt.Stringer](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = w.String()
	}
	return out
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}
