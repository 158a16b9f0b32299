package live

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// replyShapes are the accepted replies, by the number of the procedure (source: libvirt,
// src/remote/remote_protocol.x). A shape lists the parts of a reply in their order:
//
//	i  a number of 4 bytes    h  one of 8    u  a UUID
//	s  a string               [...]  a list of the shape between the brackets
//
// The decoder of go-libvirt allocates as many bytes and elements as a reply announces, so a few
// bytes could make it allocate gigabytes. Each reply is checked against its shape before it is
// decoded.
var replyShapes = map[uint32]string{
	procConnectOpen: "", 2: "", // open, close
	66: "[i]", 70: "i", // list of kinds of authentication, polkit
	4: "h", 157: "h", // versions of hypervisor and libvirt
	59: "s", 7: "s", 342: "s", // hostname, capabilities, domain capabilities
	273: "[sui]i",       // domains
	14:  "s",            // XML of a domain
	151: "i", 212: "ii", // is it persistent, its state
	183: "i", 388: "s", // is there a managed save, its XML
	274: "[s" + domain + "]i", 186: "s", // snapshots, XML of one
	413: "[s" + domain + "]i", 412: "s", // checkpoints, XML of one
	procDefine: domain,
}

const (
	procConnectOpen = 1
	procDefine      = 350 // the domain that was defined

	domain = "sui"

	// errorShape is the shape of an error, which may replace any reply. It omits the last parts,
	// which are not read.
	errorShape = "iiis"

	maxList = 16384 // libvirt's own limit for lists of domains and snapshots
)

var errCut = errors.New("a reply that ends too early")

// checkShape returns an error if a payload does not have the shape.
func checkShape(shape string, payload []byte) error {
	_, err := skipShape(shape, payload)
	return err
}

// skipShape returns the bytes after the first value of a shape. It returns an error if the bytes do
// not begin with such a value.
func skipShape(shape string, b []byte) ([]byte, error) {
	skip := func(n int) error {
		if n < 0 || n > len(b) {
			return errCut
		}
		b = b[n:]
		return nil
	}
	number := func() (int, error) {
		if len(b) < 4 {
			return 0, errCut
		}
		n := int(binary.BigEndian.Uint32(b))
		return n, skip(4)
	}
	for i := 0; i < len(shape); i++ {
		var err error
		switch shape[i] {
		case 'i':
			err = skip(4)
		case 'h':
			err = skip(8)
		case 'u':
			err = skip(16)
		case 's':
			var n int
			if n, err = number(); err == nil {
				err = skip(n + (4-n%4)%4)
			}
		case '[':
			end := i + 1
			for shape[end] != ']' {
				end++
			}
			var n int
			if n, err = number(); err == nil && n > maxList {
				err = fmt.Errorf("a reply with a list of %d, more than %d", n, maxList)
			}
			for ; err == nil && n > 0; n-- {
				b, err = skipShape(shape[i+1:end], b)
			}
			i = end
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}
