package collect

import (
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	tests := []struct {
		name string
		tree []string
		args []string
		want []string
	}{
		{"no argument", []string{"a.xml"}, nil, []string{}},
		{"file of any name", []string{"web"}, []string{"web"}, []string{"web"}},
		{
			"directory: .xml only, sorted, recursive",
			[]string{"b.xml", "a.xml", "c.txt", "d.XML", "e.xml.bak", ".h.xml", "n/default.xml", "empty/"},
			[]string{"."},
			[]string{".h.xml", "a.xml", "b.xml", "n/default.xml"},
		},
		{
			"directory shown as typed",
			[]string{"f/a.xml"},
			[]string{"./f//"},
			[]string{"./f/a.xml = f/a.xml"},
		},
		{
			"autostart link counted once, under the file",
			[]string{"qemu/autostart/web.xml -> ../web.xml", "qemu/web.xml"},
			[]string{"qemu"},
			[]string{"qemu/web.xml"},
		},
		{
			"link to a file that is not visited",
			[]string{"qemu/a.xml -> ../out/real", "qemu/b.xml", "out/real"},
			[]string{"qemu"},
			[]string{"qemu/b.xml", "qemu/a.xml = out/real"},
		},
		{
			"two links to one file",
			[]string{"q/a.xml -> ../real", "q/b.xml -> ../real", "real"},
			[]string{"q"},
			[]string{"q/a.xml = real"},
		},
		{
			"link to a file that is an argument before",
			[]string{"q/a.xml -> ../real", "real"},
			[]string{"real", "q"},
			[]string{"real"},
		},
		{
			"link without .xml in its name is ignored",
			[]string{"q/a -> ../real", "q/gone -> nowhere", "real"},
			[]string{"q"},
			[]string{},
		},
		{
			"link to a directory followed, its files before links to them",
			[]string{"q/a.xml -> ../out/x.xml", "q/z -> ../out", "out/x.xml", "out/y.xml"},
			[]string{"q"},
			[]string{"q/z/x.xml = out/x.xml", "q/z/y.xml = out/y.xml"},
		},
		{
			"link to a directory as argument",
			[]string{"q -> out", "out/x.xml"},
			[]string{"q", "out"},
			[]string{"q/x.xml = out/x.xml"},
		},
		{
			"loops",
			[]string{"q/self -> .", "q/up -> ../q", "q/s/top -> ../..", "q/s/a.xml"},
			[]string{"q"},
			[]string{"q/s/a.xml"},
		},
		{
			"a link to itself",
			[]string{"q/a.xml -> a.xml", "q/b -> b", "q/c.xml"},
			[]string{"q"},
			[]string{"q/c.xml", "! q/a.xml: too many levels of symbolic links"},
		},
		{
			"twice, in other spellings, by a link and with its directory",
			[]string{"q/a.xml", "q/b.xml", "l.xml -> q/a.xml"},
			[]string{"l.xml", "q/a.xml", "./q/../q/a.xml", "q", "q/", "."},
			[]string{"l.xml = q/a.xml", "q/b.xml"},
		},
		{
			"directory within a directory, named before it",
			[]string{"q/s/a.xml", "q/b.xml"},
			[]string{"q/s", "q"},
			[]string{"q/s/a.xml", "q/b.xml"},
		},
		{
			"dot dot after a link is the target's parent",
			[]string{"far/sub/", "l -> far/sub", "a.xml", "far/a.xml"},
			[]string{"l/../a.xml", "a.xml"},
			[]string{"l/../a.xml = far/a.xml", "a.xml"},
		},
		{
			"dot dot after a link in the path of a directory",
			[]string{"far/sub/", "l -> far/sub", "a.xml", "far/a.xml"},
			[]string{"l/.."},
			[]string{"l/../a.xml = far/a.xml"},
		},
		{
			"dangling links, the collection continues",
			[]string{"q/a.xml -> gone.xml", "q/b.xml", "l -> gone", "z.xml"},
			[]string{"l", "q", "z.xml"},
			[]string{
				"! l: dangling link to gone: no such file or directory",
				"q/b.xml",
				"! q/a.xml: dangling link to gone.xml: no such file or directory",
				"z.xml",
			},
		},
		{
			"directories named like files",
			[]string{"q/a.xml/in.xml", "q/b.xml -> ../d", "d/in.xml", "q/c.xml"},
			[]string{"q/a.xml", "q"},
			[]string{
				"! q/a.xml: a directory named like a file, not a regular file: rename it, or name the files in it",
				"! q/a.xml: a directory named like a file, not a regular file: rename it, or name the files in it",
				"q/c.xml",
				"! q/b.xml: a directory named like a file, not a regular file: rename it, or name the files in it",
			},
		},
		{
			"links to devices",
			[]string{"q/masked.xml -> /dev/null", "q/other -> /dev/null"},
			[]string{"q", "/dev/zero"},
			[]string{
				"! q/masked.xml: a character device, not a regular file",
				"! /dev/zero: a character device, not a regular file",
			},
		},
		{
			"missing, empty, below a file",
			[]string{"a.xml"},
			[]string{"nope.xml", "", "a.xml/b.xml", "a.xml"},
			[]string{
				"! nope.xml: no such file or directory",
				`! "": empty argument, perhaps from an unset variable`,
				"! a.xml/b.xml: not a directory",
				"a.xml",
			},
		},
		{
			"pattern, sorted, once, also directories and links",
			[]string{"b1.xml", "a1.xml", "c1/x.xml", "d1 -> nowhere", "e1.xml -> a1.xml", "z.xml"},
			[]string{"?1*", "z.xm[l]"},
			[]string{"a1.xml", "b1.xml", "c1/x.xml", "! d1: dangling link to nowhere: no such file or directory", "z.xml"},
		},
		{
			"pattern over directories, sorted as a whole",
			[]string{"a/x.xml", "a-b/x.xml"},
			[]string{"*/x.xml"},
			[]string{"a-b/x.xml", "a/x.xml"},
		},
		{
			"patterns that match nothing or are malformed",
			[]string{"a.xml"},
			[]string{"b*.xml", "[", "none/*.xml"},
			[]string{
				"! b*.xml: no such file or directory: nothing matches the pattern",
				"! [: no such file or directory: and not a valid pattern: syntax error in pattern",
				"! none/*.xml: no such file or directory: nothing matches the pattern",
			},
		},
		{
			"a file named like a pattern",
			[]string{"a*.xml", "ab.xml"},
			[]string{"a*.xml"},
			[]string{"a*.xml"},
		},
		{
			"control characters are kept",
			[]string{"q/a\x1b[2J\n.xml"},
			[]string{"q"},
			[]string{"q/a\x1b[2J\n.xml"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plant(t, tt.tree...)
			got := collected(t, tt.args, Options{})
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(tt.want, "\n\t"))
			}
		})
	}
}
