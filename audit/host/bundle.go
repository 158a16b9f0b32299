package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/virt-audit/virt-audit/audit/source"
)

// FactsVersion is the version of the form in which facts are written. It goes up when a reader of the
// old form would misjudge the new.
const FactsVersion = 1

// WriteFacts writes a bundle of facts: JSON, for ReadFacts, on another machine perhaps. It holds no password; what
// can only be asked of the host itself is not in it.
func WriteFacts(w io.Writer, f *Facts) error {
	out := *f
	out.Version = FactsVersion
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(&out)
}

// ReadFacts reads a bundle of facts. File is the name for errors. A version or a field that this
// package does not know is an error: it could change the verdict.
func ReadFacts(file string, data []byte) (*Facts, error) {
	var version struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, source.JSONError(file, data, "not facts of a host", err)
	}
	switch {
	case version.Version == nil:
		return nil, fmt.Errorf("%s: not facts of a host: version is missing", file)
	case *version.Version != FactsVersion:
		return nil, fmt.Errorf("%s: the facts have version %d; version %d is supported", file, *version.Version, FactsVersion)
	}
	f := &Facts{}
	if err := strict(data, f); err != nil {
		return nil, source.JSONError(file, data, "", err)
	}
	if f.Session != nil && f.Session.QEMUConf != nil {
		f.Session.QEMUConf.session = true
	}
	return f, nil
}

// strict decodes one JSON value. Unknown fields and data after it are errors.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the end")
	}
	return nil
}
