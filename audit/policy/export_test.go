package policy

import (
	"fmt"
	"io/fs"
)

// List returns the editions in a directory, the newest first. It returns an error if the name or
// date in a file differs from that in its file name.
func List(dir fs.FS) ([]*Edition, error) {
	found, err := list(dir)
	if err != nil {
		return nil, err
	}
	var out []*Edition
	for _, b := range found {
		e, err := b.load()
		if err != nil {
			return nil, err
		}
		if e.Name != b.name || e.Date != b.date {
			return nil, fmt.Errorf("%s is listed as %s of %s", e.Name, b.name, b.date)
		}
		out = append(out, e)
	}
	return out, nil
}
