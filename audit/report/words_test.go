package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"web01":               "web01",
		"Zürich 東京":           "Zürich 東京",
		"a\x1b[31mb":          `a\x1b[31mb`,
		"a\nb\tc":             `a\x0ab\x09c`,
		"user\u202egpj.exe":   `user\u202egpj.exe`,
		"a\u200bb\x7f\u0085c": `a\u200bb\x7f\u0085c`,
		"\U000e0041":          `\U000e0041`,
		"a\x9b31m\ufffd":      "a\\x9b31m\ufffd",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"web01": "web01", "my guest": "'my guest'", "a'b": `'a'\''b'`, "-rf": "'-rf'", "$(id)": "'$(id)'", "": "''", "qemu:///system": "qemu:///system", "~/a": "'~/a'",
	} {
		if got := shellQuote(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestCaret(t *testing.T) {
	for name, c := range map[string]struct {
		e            audit.Excerpt
		line         string
		start, width int
	}{
		"plain":             {audit.Excerpt{Line: "<a b='c'/>", Start: 3, End: 8}, "<a b='c'/>", 3, 5},
		"indented":          {audit.Excerpt{Line: "    <a/>", Start: 4, End: 8}, "<a/>", 0, 4},
		"tab":               {audit.Excerpt{Line: "\t<a/>", Start: 1, End: 5}, "<a/>", 0, 4},
		"wide letters":      {audit.Excerpt{Line: "<東 b/>", Start: 3, End: 4}, "<東 b/>", 4, 1},
		"control character": {audit.Excerpt{Line: "<\u202e b/>", Start: 3, End: 4}, `<\u202e b/>`, 8, 1},
		"end of the line":   {audit.Excerpt{Line: "<a>", Start: 3, End: 4}, "<a>", 0, 3},
	} {
		if line, start, width := caret(c.e); line != c.line || start != c.start || width != c.width {
			t.Errorf("%s: %q %d %d, want %q %d %d", name, line, start, width, c.line, c.start, c.width)
		}
	}
}

func TestWindow(t *testing.T) {
	long := strings.Repeat("a", 100) + "HERE" + strings.Repeat("b", 100)
	line, start, width := window(long, 100, 4, 40)
	if len([]rune(line)) > 40 || !strings.HasPrefix(string([]rune(line)[start:]), "HERE") || width != 4 {
		t.Errorf("%q %d %d", line, start, width)
	}
}

// TestSpool stores more than fits into the memory of the spool.
func TestSpool(t *testing.T) {
	var s spool
	part := []byte(strings.Repeat("x", 1000) + "\n")
	for range 3000 {
		if _, err := s.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if s.file == nil {
		t.Error("all of it is still in memory")
	}
	var out bytes.Buffer
	if err := s.copyTo(&out); err != nil || !bytes.Equal(out.Bytes(), bytes.Repeat(part, 3000)) {
		t.Errorf("%d bytes came back, %v", out.Len(), err)
	}
}
