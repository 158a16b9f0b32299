package live

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// request is a call that a fake daemon receives.
type request struct {
	procedure, serial uint32
	payload           []byte
}

// daemon listens on a socket and serves every connection with serve, until the test ends. It
// returns the URI for it.
func daemon(t *testing.T, serve func(c net.Conn)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	accept(t, l, serve)
	return "qemu:///system?socket=" + path
}

// answering serves calls with what answer returns; nil closes the connection.
func answering(answer func(r request) []byte) func(net.Conn) {
	return func(c net.Conn) {
		for {
			var head [headLen]byte
			if _, err := io.ReadFull(c, head[:]); err != nil {
				return
			}
			r := request{
				procedure: binary.BigEndian.Uint32(head[12:]), serial: binary.BigEndian.Uint32(head[20:]),
				payload: make([]byte, binary.BigEndian.Uint32(head[:])-headLen),
			}
			if _, err := io.ReadFull(c, r.payload); err != nil {
				return
			}
			out := answer(r)
			if out == nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	}
}

// words encodes numbers for the protocol.
func words(numbers ...uint32) []byte {
	var b []byte
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// text encodes a string.
func text(s string) []byte {
	b := append(words(uint32(len(s))), s...)
	return append(b, make([]byte, (4-len(s)%4)%4)...)
}

// reply returns a valid reply.
func (r request) reply(payload ...[]byte) []byte {
	body := bytes.Join(payload, nil)
	return append(words(uint32(headLen+len(body)), program, 1, r.procedure, typeReply, r.serial, statusOK), body...)
}

// failure returns a valid error.
func (r request) failure(code uint32, message string) []byte {
	body := bytes.Join([][]byte{words(code, 10, 1), text(message), words(2)}, nil)
	return append(words(uint32(headLen+len(body)), program, 1, r.procedure, typeReply, r.serial, statusError), body...)
}

// guest encodes a guest of a list.
func guest(name string, id uint32) []byte {
	return bytes.Join([][]byte{text(name), make([]byte, 16), words(id)}, nil)
}

const notRunning = 0xffffffff // the id of a guest that does not run

// polite replies to every call like a daemon with two guests.
func polite(r request) []byte {
	switch r.procedure {
	case 66:
		return r.reply(words(1, 0))
	case 273:
		return r.reply(words(2), guest("a", notRunning), guest("b", 7), words(2))
	case 14:
		return r.reply(text("<domain type='kvm' id='7'><name>x</name></domain>"))
	case 274, 413:
		return r.reply(words(0), words(0))
	case 7, 59, 342:
		return r.reply(text("x"))
	case 4, 157:
		return r.reply(words(0, 9_000_000))
	case 151:
		return r.reply(words(1))
	case 212:
		return r.reply(words(1, 0))
	case 183:
		return r.reply(words(0))
	}
	return r.reply()
}

// politeExcept returns a polite daemon with another answer to one procedure.
func politeExcept(procedure uint32, answer func(r request) []byte) func(net.Conn) {
	return answering(func(r request) []byte {
		if r.procedure == procedure {
			return answer(r)
		}
		return polite(r)
	})
}

func TestPolite(t *testing.T) {
	h := Fetch(daemon(t, answering(polite)), Options{Timeout: time.Second})
	if len(h.Problems) > 0 || len(h.Documents) != 3 || h.LibvirtVersion != "9.0.0" {
		t.Errorf("%d documents, problems %v, %+v", len(h.Documents), h.Problems, h)
	}
}

// TestHostile runs daemons that violate the protocol. Each must soon result in an error that
// describes the fault, without a panic, a hang, or memory for bytes that were only announced.
func TestHostile(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  string // in the first problem
		kept  int    // documents that were fetched before
	}{
		"closes at once":        {func(net.Conn) {}, "the daemon has closed the connection", 0},
		"accepts and is silent": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "no answer within 300ms", 0},
		"garbage": {func(c net.Conn) {
			_, _ = c.Write(bytes.Repeat([]byte("SSH-2.0-x\r\n"), 100))
			_, _ = io.Copy(io.Discard, c)
		}, "does not speak libvirt's protocol", 0},
		"endless zeros": {func(c net.Conn) {
			for {
				if _, err := c.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, "does not speak libvirt's protocol", 0},
		"one byte at a time": {func(c net.Conn) {
			for range 1000 {
				if _, err := c.Write([]byte{0}); err != nil {
					return
				}
				time.Sleep(timeout / 4)
			}
		}, "no answer within 300ms", 0},
		"huge packet": {politeExcept(66, func(r request) []byte {
			return words(0xffffffff, program, 1, r.procedure, typeReply, r.serial, 0)
		}), "announces a packet of 4294967295 bytes", 0},
		"packet that never comes": {politeExcept(66, func(r request) []byte {
			return words(maxLen, program, 1, r.procedure, typeReply, r.serial, 0)
		}), "no answer within 300ms", 0},
		"short packet":   {politeExcept(66, func(r request) []byte { return words(8, program, 1, r.procedure, typeReply, r.serial, 0) }), "announces a packet of 8 bytes", 0},
		"empty packet":   {politeExcept(66, func(r request) []byte { return words(0, program, 1, r.procedure, typeReply, r.serial, 0) }), "announces a packet of 0 bytes", 0},
		"other program":  {politeExcept(66, func(_ request) []byte { return words(28, 0x20008087, 1, 6, 2, 0, 0) }), "does not speak libvirt's protocol", 0},
		"event":          {politeExcept(273, func(_ request) []byte { return append(words(32, program, 1, 318, 2, 0, 0), 1, 2, 3, 4) }), "a packet of type 2", 0},
		"stream":         {politeExcept(273, func(r request) []byte { return words(28, program, 1, r.procedure, 3, r.serial, 2) }), "a packet of type 3", 0},
		"status":         {politeExcept(273, func(r request) []byte { return words(28, program, 1, r.procedure, typeReply, r.serial, 7) }), "unknown status 7", 0},
		"other serial":   {politeExcept(273, func(r request) []byte { r.serial += 100; return polite(r) }), "a call that was not made", 0},
		"reply twice":    {politeExcept(59, func(r request) []byte { return append(polite(r), polite(r)...) }), "a call that was not made", 0},
		"other call":     {politeExcept(273, func(r request) []byte { r.procedure = 14; return polite(r) }), "a call that was not made", 0},
		"list of 2 G":    {politeExcept(273, func(r request) []byte { return r.reply(words(0x7fffffff)) }), "a reply with a list of 2147483647", 0},
		"list cut":       {politeExcept(273, func(r request) []byte { return r.reply(words(3), guest("a", notRunning)) }), "a reply that ends too early (procedure 273)", 0},
		"name of 2 G":    {politeExcept(273, func(r request) []byte { return r.reply(words(1, 0x7fffffff), []byte("web")) }), "a reply that ends too early", 0},
		"name of 4 G":    {politeExcept(273, func(r request) []byte { return r.reply(words(1, 0xffffffff), []byte("web")) }), "a reply that ends too early", 0},
		"snapshots of 2": {politeExcept(274, func(r request) []byte { return r.reply(words(2), text("s")) }), "guest a: the daemon sends a reply that ends too early (procedure 274)", 1},
		"error of 2 G":   {politeExcept(273, func(r request) []byte { b := r.failure(1, "x"); b[headLen+12] = 0x7f; return b }), "a reply that ends too early", 0},
		"no error":       {politeExcept(1, func(r request) []byte { return words(28, program, 1, 1, typeReply, r.serial, statusError) }), "a reply that ends too early", 0},
		"refuses":        {politeExcept(1, func(r request) []byte { return r.failure(45, "authentication failed") }), "authentication failed (authentication by user", 0},
		"refuses a list": {politeExcept(273, func(r request) []byte { return r.failure(88, "access denied") }), "cannot list the guests: access denied", 0},
		"closes later":   {politeExcept(14, func(_ request) []byte { return nil }), "guest a: the daemon has closed the connection: this guest and those after it (2 in all)", 0},
		"silent later":   {politeExcept(14, func(_ request) []byte { return []byte{} }), "guest a: no answer within 300ms", 0},
		"cut later":      {politeExcept(14, func(r request) []byte { return polite(r)[:40] }), "no answer within 300ms", 0},
		"one guest bad":  {politeExcept(183, func(r request) []byte { return r.failure(1, "internal error: broken") }), "a: internal error: broken", 3},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			h := Fetch(daemon(t, c.serve), Options{Timeout: timeout})
			if d := time.Since(start); d > time.Minute {
				t.Errorf("took %v", d)
			}
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
				t.Errorf("%d MB of memory", grown>>20)
			}
			var got []string
			for _, p := range h.Problems {
				got = append(got, p.Error())
			}
			if len(got) == 0 || !strings.Contains(got[0], c.want) {
				t.Errorf("problems %q, want %s", got, c.want)
			}
			if len(h.Documents) != c.kept {
				t.Errorf("%d documents, want %d", len(h.Documents), c.kept)
			}
		})
	}
}

// TestVanished removes a guest after the list was made. That must be a note, and the next guest is
// fetched.
func TestVanished(t *testing.T) {
	h := Fetch(daemon(t, politeExcept(14, func(r request) []byte {
		if bytes.Contains(r.payload, text("a")) {
			return r.failure(errNoDomain, "Domain not found: no domain with matching uuid")
		}
		return polite(r)
	})), Options{Timeout: time.Second})
	if len(h.Problems) != 0 || len(h.Documents) != 2 || len(h.Notes) != 1 || !strings.Contains(h.Notes[0], "guest a vanished while it was read: skipped") {
		t.Errorf("%d documents, problems %v, notes %q", len(h.Documents), h.Problems, h.Notes)
	}
}

// TestShutDown shuts a guest down after the list was made. Its document must not count as that of a
// running guest.
func TestShutDown(t *testing.T) {
	h := Fetch(daemon(t, politeExcept(14, func(r request) []byte { return r.reply(text("<domain type='kvm'><name>b</name></domain>")) })), Options{Timeout: time.Second, Guests: []string{"b"}})
	if len(h.Problems) != 0 || len(h.Documents) != 1 || !strings.HasSuffix(h.Documents[0].Source, " b (definition)") {
		t.Errorf("problems %v, documents %v", h.Problems, h.Documents)
	}
}

// TestOldDaemon runs a daemon without newer calls, and one that forbids passwords and managed
// saves.
func TestOldDaemon(t *testing.T) {
	old := answering(func(r request) []byte {
		switch r.procedure {
		case 413, 342:
			return r.failure(39, fmt.Sprintf("unknown procedure: %d", r.procedure))
		case 183:
			return r.failure(errNoSupport, "this function is not supported by the connection driver")
		}
		return polite(r)
	})
	if h := Fetch(daemon(t, old), Options{Timeout: time.Second}); len(h.Problems) != 0 || len(h.Documents) != 3 || h.DomainCapabilities != "" {
		t.Errorf("%d documents, problems %v", len(h.Documents), h.Problems)
	}
	strict := answering(func(r request) []byte {
		secure := len(r.payload) > 0 && r.payload[len(r.payload)-1]&secureFlag != 0
		switch {
		case r.procedure == 14 && secure, r.procedure == 388:
			return r.failure(errAccessDenied, "access denied")
		case r.procedure == 183:
			return r.reply(words(1))
		}
		return polite(r)
	})
	h := Fetch(daemon(t, strict), Options{Timeout: time.Second})
	if notes := strings.Join(h.Notes, "\n"); len(h.Problems) != 0 || len(h.Documents) != 3 || strings.Count(notes, "may not read passwords") != 1 || strings.Count(notes, "managed save") != 2 {
		t.Errorf("%d documents, problems %v, notes %q", len(h.Documents), h.Problems, h.Notes)
	}
	for _, d := range h.Documents {
		if d.Origin.Secrets {
			t.Errorf("%s: Origin.Secrets is set", d.Source)
		}
	}
}

// FuzzDaemon runs a daemon that answers with arbitrary bytes.
func FuzzDaemon(f *testing.F) {
	r := request{procedure: 66, serial: 1}
	f.Add(polite(r))
	f.Add(append(polite(r), (request{procedure: 1, serial: 2}).reply()...))
	f.Add(r.failure(1, "no"))
	f.Add(words(8, program, 1, 66, 1, 1, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		client, server := net.Pipe()
		go func() {
			go func() { _, _ = io.Copy(io.Discard, server) }()
			_, _ = server.Write(data)
			_ = server.Close()
		}()
		g := newGuard(client, false)
		for serial, procedure := range []uint32{66, 66, 1, 59, 7, 342, 157, 4, 273, 274, 14} {
			g.calls[uint32(serial)] = procedure
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			out, err := io.ReadAll(g)
			if err == nil || g.cause() == nil || !bytes.HasPrefix(data, out) {
				t.Errorf("%d bytes of %d: %v", len(out), len(data), err)
			}
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Error("hangs")
		}
	})
}

// accept serves every connection of a listener, until the end of the test.
func accept(t *testing.T, l net.Listener, serve func(net.Conn)) {
	t.Helper()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(c)
			}()
		}
	}()
}
