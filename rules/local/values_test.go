package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// differing are the places where libvirtxml decodes something else than the document contains, and
// why.
var differing = []struct{ place, why string }{
	{`/devices@model|/devices/(driver|address)@\w+`, "an old field of libvirtxml repeats the first <iommu> here"},
	{`/devices/(serial|parallel|console|channel|rng/backend|redirdev|smartcard)/source`, "libvirtxml makes one of the two sources of type udp"},
	{`/launchSecurity/policy`, "libvirtxml stops at a comment, and reads the text as hexadecimal, as libvirt does"},
	{`/devices/redirfilter/usbdev@\w+`, "libvirtxml has no value for -1"},
	{`/devices/interface/source@writeFiltering`, "libvirtxml skips it"},
	{`/devices/disk/mirror/(source@file|format@type)`, "libvirtxml reads the form of 2012, <mirror file=>, into the elements of today"},
	{`/os/nvram`, "libvirtxml has no text where there is only white space around <source>"},
}

// slips are misspelt names in libvirtxml; nothing is decoded into these fields.
var slips = map[string]bool{"sesion": true, "dac_read_Search": true}

// comparison walks what libvirtxml decoded and checks that expressions have the same values.
type comparison struct {
	file   string
	values int
	diffs  []string
}

func (c *comparison) diff(at, format string, args ...any) {
	place := regexp.MustCompile(`\[\d+\]`).ReplaceAllString(at, "")
	for _, d := range differing {
		if regexp.MustCompile("^(" + d.place + ")$").MatchString(place) {
			return
		}
	}
	c.diffs = append(c.diffs, c.file+": "+at+": "+fmt.Sprintf(format, args...))
}

// object compares the fields of a struct with those of an element.
func (c *comparison) object(at string, o *object, v reflect.Value, prefix string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("xml"), ",")
		if !f.IsExported() || f.Name == "XMLName" || options == "innerxml" || f.Name == "Metadata" {
			continue
		}
		value := v.Field(i)
		switch name, own := namespace(f.Type); {
		case own != "":
			if !value.IsNil() {
				c.child(at, o, own+":"+name, value, own+":")
			}
		case options == "chardata":
			c.scalar(at, value, o.get(o.shape.fields[textField]))
		case strings.Contains(options, "attr"):
			c.attribute(at+"@"+tag, o, tag, value)
		case tag == "-" || tag == "":
			// A variant of the element: its contents are those of the element itself.
			if value.Kind() == reflect.Pointer && !value.IsNil() && value.Elem().Kind() == reflect.Struct {
				c.object(at, o, value.Elem(), prefix)
			} else if value.Kind() == reflect.Struct {
				c.object(at, o, value, prefix)
			}
		default:
			c.path(at, o, tag, value, prefix)
		}
	}
}

func (c *comparison) path(at string, o *object, tag string, value reflect.Value, prefix string) {
	if step, rest, ok := strings.Cut(tag, ">"); ok {
		f := o.fieldOf(prefix+step, false)
		c.path(at+"/"+step, o.get(f).(*object), rest, value, prefix)
		return
	}
	c.child(at, o, prefix+tag, value, prefix)
}

// fieldOf returns the field for a name in the document.
func (o *object) fieldOf(step string, attr bool) *field {
	for _, f := range o.shape.fields {
		if f.role != text && f.step == step && (f.role == attribute) == attr {
			return f
		}
	}
	return nil
}

func (c *comparison) child(at string, o *object, step string, value reflect.Value, prefix string) {
	at += "/" + step
	f := o.fieldOf(step, false)
	if slips[step] {
		return
	}
	if f == nil {
		c.diff(at, "libvirtxml has it, the vocabulary has not")
		return
	}
	if value.Kind() == reflect.Slice {
		items := types.NewRefValList(types.DefaultTypeAdapter, nil)
		switch {
		case f.role == elements:
			items = o.get(f).(traits.Lister)
		case o.has(f):
			items = types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{o.get(f)})
		}
		if n := int(items.Size().(types.Int)); n != value.Len() {
			c.diff(at, "%d elements, libvirtxml has %d", n, value.Len())
			return
		}
		for i := range value.Len() {
			c.element(at+"["+strconv.Itoa(i+1)+"]", items.Get(types.Int(i)).(*object), value.Index(i), prefix)
		}
		return
	}
	child := o
	if f.role == elements {
		items := o.get(f).(traits.Lister)
		if n := int(items.Size().(types.Int)); n > 1 {
			c.diff(at, "is a list of %d, libvirtxml has one", n)
			return
		} else if n == 0 {
			child = &object{shape: f.of, in: o.in}
		} else {
			child = items.Get(types.Int(0)).(*object)
		}
	} else {
		child = o.get(f).(*object)
	}
	if value.Kind() == reflect.Pointer && value.IsNil() {
		if child.exists {
			c.diff(at, "is there, libvirtxml has none")
		}
		return
	}
	c.element(at, child, value, prefix)
}

func (c *comparison) element(at string, o *object, value reflect.Value, prefix string) {
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if value.Kind() == reflect.Struct {
		c.object(at, o, value, prefix)
		return
	}
	c.scalar(at, value, o.get(o.shape.fields[textField]))
}

func (c *comparison) attribute(at string, o *object, name string, value reflect.Value) {
	f := o.fieldOf(name, true)
	if f == nil {
		c.diff(at, "libvirtxml has it, the vocabulary has not")
		return
	}
	c.scalar(at, value, o.get(f))
}

// scalar compares one value. Expressions have numbers and other scalars as texts.
func (c *comparison) scalar(at string, value reflect.Value, got ref.Val) {
	c.values++
	seen := string(got.(types.String))
	for value.Kind() == reflect.Pointer {
		if value.IsNil() {
			if seen != "" {
				c.diff(at, "is %q, libvirtxml has none", seen)
			}
			return
		}
		value = value.Elem()
	}
	var decoded string
	switch value.Kind() {
	case reflect.String:
		decoded = value.String()
	case reflect.Bool:
		decoded = strconv.FormatBool(value.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		decoded = strconv.FormatInt(value.Int(), 10)
		if n, err := strconv.ParseInt(strings.TrimSpace(seen), 0, 64); err == nil {
			seen = strconv.FormatInt(n, 10)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		decoded = strconv.FormatUint(value.Uint(), 10)
		if n, err := strconv.ParseUint(strings.TrimSpace(seen), 0, 64); err == nil {
			seen = strconv.FormatUint(n, 10)
		}
	default:
		c.diff(at, "libvirtxml has a %s", value.Kind())
		return
	}
	if seen == "" && decoded == "0" {
		return // a field that cannot say that there is nothing
	}
	if seen != decoded {
		c.diff(at, "is %q, libvirtxml has %q", seen, decoded)
	}
}

// namespace returns the name and prefix of a type that is an element in a hypervisor's namespace.
func namespace(t reflect.Type) (name, prefix string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return "", ""
	}
	f, ok := t.FieldByName("XMLName")
	if !ok {
		return "", ""
	}
	uri, name, ok := strings.Cut(f.Tag.Get("xml"), " ")
	if !ok {
		return "", ""
	}
	return name, filepath.Base(filepath.Dir(uri))
}

func compareFile(t *testing.T, file string) (values int, diffs []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	domains, err := domxml.LoadAll(file, data)
	var refused *source.Error
	var other *audit.NotDomainError
	if errors.As(err, &refused) || errors.As(err, &other) {
		return 0, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range domains {
		c := &comparison{file: file}
		in := &document{map[place]ref.Val{}, map[place]types.String{}}
		c.object("", &object{shapes()["domain"], in, d.Root(), true}, reflect.ValueOf(d.Domain).Elem(), "")
		values += c.values
		diffs = append(diffs, c.diffs...)
	}
	return values, diffs
}

// TestEqual compares the values of expressions with what libvirtxml decodes, for all available
// documents.
func TestEqual(t *testing.T) {
	var files []string
	for _, pattern := range []string{"fleet/*.xml", "rules/*/*.xml", "noise/*.xml"} {
		found, _ := filepath.Glob(filepath.Join("../../testdata", pattern))
		files = append(files, found...)
	}
	files = append(files, need.ValidDocuments(t)...)
	values := 0
	for _, file := range files {
		n, diffs := compareFile(t, file)
		values += n
		for _, d := range diffs {
			t.Error(d)
		}
	}
	if len(files) < 400 || values < 30_000 {
		t.Errorf("only %d values of %d files were compared", values, len(files))
	}
	t.Logf("%d values of %d files", values, len(files))
}
