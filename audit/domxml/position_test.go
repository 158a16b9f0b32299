package domxml

import (
	"strings"
	"testing"
)

// TestLongLine requests columns of long lines, forwards and backwards, and compares them with a
// plain count.
func TestLongLine(t *testing.T) {
	src := []byte("\xef\xbb\xbf" + strings.Repeat("aé€𝄞", 2000) + "\n" + strings.Repeat("é", 512*5) + "\n")
	var l lines
	for _, offset := range []int{3, 9000, 4 * pointsEvery, 4*pointsEvery + 5, 20003, 5, 20004, len(src) - 1, len(src) - 3, len(src), 12003} {
		for offset < len(src) && src[offset]&0xC0 == 0x80 {
			offset++
		}
		wantLine, wantColumn := lineColumn(src, offset)
		if line, column := l.at(src, offset); line != wantLine || column != wantColumn {
			t.Errorf("offset %d: %d:%d, want %d:%d", offset, line, column, wantLine, wantColumn)
		}
	}
}
