package collect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/files"
)

// A save image is what "virsh save", "virsh managedsave" and an external
// snapshot write: a header, the guest's XML, and its memory, which may be
// gigabytes and compressed. Only header and XML are read.

// ErrIncomplete says that libvirt was stopped while it wrote a save image.
var ErrIncomplete = errors.New("incomplete save image")

const (
	qemuMagic    = "LibvirtQemudSave"
	partialMagic = "LibvirtQemudPart" // until the memory is written
	otherMagic   = "libvirt-xml\n \x00 \r"
	magicLen     = 16

	// qemuPadding is how much room libvirt leaves behind the XML for a later
	// edit; with a cookie the header says where the XML ends.
	qemuPadding = 64 << 10
)

// imageSuffix is how libvirt ends the names of save images.
const imageSuffix = ".save"

// isImage reports whether a file that begins so is a save image.
func isImage(head []byte) bool {
	if len(head) < magicLen {
		return false
	}
	switch string(head[:magicLen]) {
	case qemuMagic, partialMagic, otherMagic:
		return true
	}
	return false
}

// isImageFile reports whether something in a tree is a save image. Others name things so too: the
// content decides. What cannot be looked into may be one, and reading it will tell why not.
func isImageFile(path string, mode fs.FileMode) bool {
	if !strings.HasSuffix(path, imageSuffix) || !mode.IsRegular() {
		return false
	}
	f, err := files.Open(path)
	if err != nil {
		return true
	}
	defer f.Close() //nolint:errcheck // nothing was written
	return isImage(headOf(f))
}

// headOf returns the first bytes of a file, fewer if it has no more.
func headOf(r io.ReaderAt) []byte {
	head := make([]byte, magicLen)
	n, _ := r.ReadAt(head, 0)
	return head[:n]
}

// readImage returns the XML of the save image that r gives.
func readImage(r io.Reader, limit int64) (content, error) {
	h, err := readHeader(r)
	if err != nil {
		return content{}, err
	}
	if h.room-qemuPadding-1 > limit {
		return content{}, fmt.Errorf("the header of the save image: %w", tooLarge(h.room, limit))
	}
	xml, err := io.ReadAll(io.LimitReader(r, h.room))
	if err != nil {
		return content{}, explain(err)
	}
	end := bytes.IndexByte(xml, 0)
	switch {
	case int64(end) > limit:
		return content{}, tooLarge(int64(end), limit)
	case end >= 0:
		return content{data: xml[:end:end], origin: audit.Origin{Kind: audit.Saved, Stated: true, Secrets: h.secrets}}, nil
	case int64(len(xml)) < h.room:
		return content{}, fmt.Errorf("truncated save image: its XML ends after %d bytes of %d", len(xml), h.room)
	}
	return content{}, errors.New("malformed save image: nothing marks the end of its XML")
}

// imageHeader is what is wanted of a header.
type imageHeader struct {
	room    int64 // bytes that hold the XML and, behind it, a NUL
	secrets bool  // the driver leaves passwords in the XML
}

// readHeader reads the header of a save image, up to where the XML begins.
//
// Numbers are in the byte order of the host that wrote the image. Like libvirt,
// we take the order in which the version is one that exists, so that an image
// of a big-endian host can be audited anywhere (source: libvirt,
// src/qemu/qemu_saveimage.c, qemuSaveImageReadHeader; src/libxl/libxl_conf.h;
// src/ch/ch_saveimage.c).
func readHeader(r io.Reader) (imageHeader, error) {
	head := make([]byte, 64)
	if _, err := io.ReadFull(r, head); err != nil {
		return imageHeader{}, shortHeader(err)
	}
	number := func(order binary.ByteOrder, at int) uint32 { return order.Uint32(head[at:]) }
	switch string(head[:magicLen]) {
	case partialMagic:
		return imageHeader{}, fmt.Errorf("%w: libvirt was stopped while writing it, and restores nothing from it", ErrIncomplete)
	case otherMagic:
		return otherHeader(number)
	case qemuMagic:
	default:
		return imageHeader{}, errors.New("no save image")
	}
	if _, err := io.ReadFull(r, make([]byte, 92-64)); err != nil { // unused so far
		return imageHeader{}, shortHeader(err)
	}
	const version = 2
	var order binary.ByteOrder = binary.LittleEndian
	if number(order, 16) != version {
		if order = binary.BigEndian; number(order, 16) != version {
			return imageHeader{}, unknownVersion(number(binary.LittleEndian, 16))
		}
	}
	all, cookie := number(order, 20), number(order, 32)
	switch {
	case all == 0:
		return imageHeader{}, errors.New("malformed save image: no XML in it, says the header")
	case cookie > all:
		return imageHeader{}, fmt.Errorf("malformed save image: the header puts the cookie at byte %d of %d", cookie, all)
	case cookie > 0:
		all = cookie
	}
	return imageHeader{room: int64(all), secrets: true}, nil
}

// otherHeader reads the header that the drivers for Xen and Cloud Hypervisor
// write. They share the magic: Xen's has a version, and then the length.
func otherHeader(number func(binary.ByteOrder, int) uint32) (imageHeader, error) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		first, second := number(order, 16), number(order, 20)
		switch {
		case (first == 1 || first == 2) && second > 0: // Xen; no XML is as short
			return imageHeader{room: int64(second)}, nil
		case first > 2 && second == 0 && first < 1<<28: // which the other order makes huge
			return imageHeader{room: int64(first)}, nil
		}
	}
	return imageHeader{}, unknownVersion(number(binary.LittleEndian, 16))
}

func unknownVersion(n uint32) error {
	return fmt.Errorf("unsupported save image: version %d, in neither byte order one that libvirt writes", n)
}

func shortHeader(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("truncated save image: its header is not whole")
	}
	return explain(err)
}
