package live

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// shapes are the replies that we can be given, by the number of the procedure
// (source: libvirt, src/remote/remote_protocol.x). Of each its parts in order:
//
//	i  a number of 4 bytes    h  one of 8    u  a UUID
//	s  a string               [...]  a list of what is between the brackets
//
// What decodes replies makes room for as many bytes, and as many things, as a
// reply says it has: a few bytes can ask for gigabytes. So they are walked
// through beforehand.
var shapes = map[uint32]string{
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
}

const (
	procConnectOpen = 1

	domain = "sui"

	// failure is what comes in place of any reply; more follows, which is not
	// read.
	failure = "iiis"

	maxList = 16384 // libvirt's own limit for lists of domains and snapshots
)

var errCut = errors.New("a reply that ends too early")

// fits reports why a payload is not of a shape.
func fits(shape string, payload []byte) error {
	_, err := walk(shape, payload)
	return err
}

// walk goes through one thing of a shape and returns what comes behind it.
func walk(shape string, b []byte) ([]byte, error) {
	take := func(n int) error {
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
		return n, take(4)
	}
	for i := 0; i < len(shape); i++ {
		var err error
		switch shape[i] {
		case 'i':
			err = take(4)
		case 'h':
			err = take(8)
		case 'u':
			err = take(16)
		case 's':
			var n int
			if n, err = number(); err == nil {
				err = take(n + (4-n%4)%4)
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
				b, err = walk(shape[i+1:end], b)
			}
			i = end
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}
