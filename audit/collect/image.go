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

// A save image is written by "virsh save", "virsh managedsave" and external snapshots. It is a
// header, the guest's XML, and its memory, which may be compressed and gigabytes long. Only header
// and XML are read.

// ErrIncomplete is the error for a save image that libvirt did not finish.
var ErrIncomplete = errors.New("incomplete save image")

const (
	qemuMagic    = "LibvirtQemudSave"
	partialMagic = "LibvirtQemudPart" // until the memory is written
	otherMagic   = "libvirt-xml\n \x00 \r"
	magicLen     = 16

	// qemuPadding is the space in bytes that libvirt reserves after the XML for a later edit. If
	// there is a cookie, the header gives the end of the XML.
	qemuPadding = 64 << 10
)

// imageSuffix is the end of the names that libvirt gives to save images.
const imageSuffix = ".save"

// isImage reports whether a file that begins with head is a save image.
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

// isImageFile reports whether an entry of a tree is a save image. Other software uses the suffix as
// well, so the content decides. A file that cannot be opened counts as one, so that reading it
// reports the cause.
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

// readImage returns the XML of the save image that r returns.
func readImage(r io.Reader, limit int64) (content, error) {
	h, err := readHeader(r)
	if err != nil {
		return content{}, err
	}
	if h.xmlSpace-qemuPadding-1 > limit {
		return content{}, fmt.Errorf("the header of the save image: %w", tooLarge(h.xmlSpace, limit))
	}
	xml, err := io.ReadAll(io.LimitReader(r, h.xmlSpace))
	if err != nil {
		return content{}, explain(err)
	}
	end := bytes.IndexByte(xml, 0)
	switch {
	case int64(end) > limit:
		return content{}, tooLarge(int64(end), limit)
	case end >= 0:
		origin := audit.Origin{Kind: audit.Saved, Stated: true, Secrets: h.secrets}
		return content{data: xml[:end:end], origin: origin}, nil
	case int64(len(xml)) < h.xmlSpace:
		return content{}, fmt.Errorf("truncated save image: its XML ends after %d bytes of %d", len(xml), h.xmlSpace)
	}
	return content{}, errors.New("malformed save image: no NUL after its XML")
}

// imageHeader is the part of a header that locates the XML.
type imageHeader struct {
	xmlSpace int64 // bytes that hold the XML and, after it, a NUL
	secrets  bool  // the driver keeps passwords in the XML
}

// readHeader reads the header of a save image, up to the start of the XML.
//
// Numbers are in the byte order of the host that wrote the image. Like libvirt, readHeader uses the
// byte order in which the version is a known one, so that an image of a big-endian host can be
// audited on any host (source: libvirt, src/qemu/qemu_saveimage.c, qemuSaveImageReadHeader;
// src/libxl/libxl_conf.h; src/ch/ch_saveimage.c).
func readHeader(r io.Reader) (imageHeader, error) {
	head := make([]byte, 64)
	if _, err := io.ReadFull(r, head); err != nil {
		return imageHeader{}, shortHeader(err)
	}
	number := func(order binary.ByteOrder, at int) uint32 { return order.Uint32(head[at:]) }
	switch string(head[:magicLen]) {
	case partialMagic:
		return imageHeader{}, fmt.Errorf("%w: libvirt did not finish writing it, and refuses to restore it", ErrIncomplete)
	case otherMagic:
		return otherHeader(number)
	case qemuMagic:
	default:
		return imageHeader{}, errors.New("not a save image")
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
		return imageHeader{}, errors.New("malformed save image: its header gives the XML no space")
	case cookie > all:
		return imageHeader{}, fmt.Errorf("malformed save image: its header puts the cookie at byte %d of %d", cookie, all)
	case cookie > 0:
		all = cookie
	}
	return imageHeader{xmlSpace: int64(all), secrets: true}, nil
}

// otherHeader reads a header of the drivers for Xen and Cloud Hypervisor. Both have the same magic.
// After it, Xen's has a version and the length, that of Cloud Hypervisor the length alone.
func otherHeader(number func(binary.ByteOrder, int) uint32) (imageHeader, error) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		first, second := number(order, 16), number(order, 20)
		switch {
		case (first == 1 || first == 2) && second > 0: // Xen: no XML is 1 or 2 bytes long
			return imageHeader{xmlSpace: int64(second)}, nil
		case first > 2 && second == 0 && first < 1<<28: // above, it is a length in the other byte order
			return imageHeader{xmlSpace: int64(first)}, nil
		}
	}
	return imageHeader{}, unknownVersion(number(binary.LittleEndian, 16))
}

func unknownVersion(n uint32) error {
	return fmt.Errorf("unsupported save image: version %d, which libvirt writes in neither byte order", n)
}

func shortHeader(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("truncated save image: its header is incomplete")
	}
	return explain(err)
}
