package live

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
)

// TestDefineIsGuarded lets the call that changes a guest pass only where it was allowed.
func TestDefineIsGuarded(t *testing.T) {
	call := make([]byte, headLen)
	binary.BigEndian.PutUint32(call, headLen)
	binary.BigEndian.PutUint32(call[12:], procDefine)
	for _, allowed := range []bool{false, true} {
		here, there := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, there) }()
		g := newGuard(here, false)
		if allowed {
			g.allowDefine()
		}
		_, err := g.Write(call)
		if allowed != (err == nil) || err != nil && !strings.Contains(err.Error(), "procedure 350 is not one that we call") {
			t.Errorf("allowed %v: %v", allowed, err)
		}
		_ = here.Close()
	}
}
