package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
)

// TestRead yields one reading for each document, in their order, with any number of jobs. A panic
// is kept to its document.
func TestRead(t *testing.T) {
	documents := func(yield func(*collect.Document, error) bool) {
		for i := range 40 {
			text := fmt.Sprintf("<domain type='kvm'><name>g%d</name></domain>", i)
			switch i {
			case 1:
				text = "<network/>"
			case 2:
				text = "<domain"
			}
			if !yield(collect.New(fmt.Sprintf("%d.xml", i), audit.Origin{}, func() ([]byte, error) { return []byte(text), nil }), nil) {
				return
			}
		}
		yield(nil, errors.New("gone"))
	}
	name := func(d *audit.Domain) string {
		if d.Name == "g3" {
			panic("oops")
		}
		return d.Name
	}
	for _, jobs := range []int{0, 1, 8} {
		var got []string
		for r := range Read(documents, jobs, name) {
			_, isPanic := errors.AsType[*PanicError](r.Err)
			switch {
			case isPanic:
				got = append(got, "panic")
			case r.Kind == Unreadable && r.Err != nil:
				got = append(got, "unreadable")
			case r.Kind == Skipped && r.NotDomain != nil:
				got = append(got, "skipped")
			default:
				got = append(got, r.Values...)
			}
		}
		want := []string{"g0", "skipped", "unreadable", "panic", "g4"}
		if !slices.Equal(got[:5], want) || len(got) != 41 || got[39] != "g39" || got[40] != "unreadable" {
			t.Errorf("%d jobs: %q", jobs, got)
		}
	}
	for range Read(documents, 8, name) {
		break // the work ends with the loop
	}
}
