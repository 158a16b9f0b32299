package report

import (
	"bytes"
	"io"
	"strings"

	"github.com/virt-audit/virt-audit/audit/inventory"
)

// The JSON lists are a contract: version 1, described by reach.schema.json in this directory. Fields
// are added and never renamed or removed.

type jsonReachGuest struct {
	Source string      `json:"source"`
	Name   string      `json:"name"`
	UUID   string      `json:"uuid"`
	Host   string      `json:"host,omitempty"`
	Origin *jsonOrigin `json:"origin,omitempty"`
	// Contained means that the names are those of a container that QEMU runs in.
	Contained bool             `json:"contained,omitempty"`
	Touches   []jsonReachEntry `json:"touches"`
}

type jsonReachEntry struct {
	Kind         string          `json:"kind"`
	Name         string          `json:"name"`
	Access       []string        `json:"access"`
	OpenedBy     []string        `json:"opened_by"`
	AsRoot       bool            `json:"as_root"`
	OwnerChanged bool            `json:"owner_changed"`
	Implied      bool            `json:"implied"`
	Sensitive    *jsonSensitive  `json:"sensitive,omitempty"`
	Places       []jsonReachSpot `json:"places"`
}

// jsonSensitive is what is known of the place that a thing is in. Severity is "none" if the access
// is not bad.
type jsonSensitive struct {
	Place    string `json:"place"`
	Severity string `json:"severity"`
	Reason   string `json:"reason"`
	Guest    string `json:"guest,omitempty"`
}

type jsonReachSpot struct {
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

type jsonShared struct {
	Kind      string          `json:"kind"`
	Name      string          `json:"name"`
	Host      string          `json:"host,omitempty"`
	Use       string          `json:"use"`
	Sensitive *jsonSensitive  `json:"sensitive,omitempty"`
	Guests    []jsonSharedUse `json:"guests"`
}

type jsonSharedUse struct {
	Source       string      `json:"source"`
	Line         int         `json:"line"`
	Column       int         `json:"column"`
	Name         string      `json:"name"`
	UUID         string      `json:"uuid"`
	Origin       *jsonOrigin `json:"origin,omitempty"`
	Access       []string    `json:"access"`
	OpenedBy     []string    `json:"opened_by"`
	OwnerChanged bool        `json:"owner_changed"`
	// Inside is what the guest touches inside the directory that is shared.
	Inside string `json:"inside,omitempty"`
}

// jsonHidden counts the guests that may touch a path without a name for it.
type jsonHidden struct {
	Volumes     int `json:"volumes"`
	Arguments   int `json:"arguments"`
	Descriptors int `json:"descriptors"`
}

type reachJSON struct {
	w      io.Writer
	opt    ReachOptions
	begun  bool
	count  int // elements of the list
	errors []jsonUnreadable
	share  *int // how much was omitted
}

func newReachJSON(w io.Writer, o ReachOptions) ReachReporter {
	return &reachJSON{w: w, opt: o, errors: []jsonUnreadable{}}
}

// element writes an element of the list, and before the first what precedes the list.
func (j *reachJSON) element(v any) error {
	if err := j.begin(); err != nil {
		return err
	}
	text, err := encode(v, "    ")
	if err != nil {
		return err
	}
	before := ",\n    "
	if j.count == 0 {
		before = "\n    "
	}
	j.count++
	_, err = j.w.Write(append([]byte(before), text...))
	return err
}

func (j *reachJSON) begin() error {
	if j.begun {
		return nil
	}
	j.begun = true
	head := struct {
		Version int `json:"version"`
		Tool    struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"tool"`
		Paths []string `json:"paths,omitempty"`
	}{Version: 1, Paths: j.opt.Paths}
	head.Tool.Name, head.Tool.Version = "virt-audit", j.opt.Version
	text, err := encode(head, "")
	if err != nil {
		return err
	}
	list := "domains"
	if j.opt.Shared {
		list = "shared"
	}
	_, err = j.w.Write(append(bytes.TrimSuffix(text, []byte("\n}")), ",\n  \""+list+"\": ["...))
	return err
}

func (j *reachJSON) Guest(g *inventory.Guest) error {
	if !j.opt.selected(g) {
		return nil
	}
	out := jsonReachGuest{
		Source: g.Source, Name: g.Name, UUID: g.UUID, Host: g.Host, Origin: newJSONOrigin(g.Origin), Contained: g.Contained,
		Touches: make([]jsonReachEntry, 0, len(g.Entries)),
	}
	for i := range g.Entries {
		e := &g.Entries[i]
		entry := jsonReachEntry{
			Kind: e.Kind.String(), Name: e.Name, Access: wordList(e.Access.String()), OpenedBy: wordList(e.Opener.String()),
			AsRoot: e.Opener.Root(), OwnerChanged: e.Relabel, Implied: e.Implied,
			Sensitive: newJSONSensitive(e.Sensitive, e.Severity, e.Reason, e.Owner),
		}
		for _, p := range e.Places {
			entry.Places = append(entry.Places, jsonReachSpot{p.Path, p.Line, p.Column})
		}
		out.Touches = append(out.Touches, entry)
	}
	return j.element(out)
}

func (j *reachJSON) Share(list []*inventory.Shared, omitted int) error {
	j.share = &omitted
	for _, s := range list {
		out := jsonShared{
			Kind: s.Kind.String(), Name: s.Name, Host: s.Host, Use: s.Use.String(),
			Sensitive: newJSONSensitive(s.Sensitive, s.Severity, s.Reason, s.Owner),
		}
		for _, u := range s.Guests {
			out.Guests = append(out.Guests, jsonSharedUse{
				Source: u.Source, Line: u.Place.Line, Column: u.Place.Column,
				Name: u.Name, UUID: u.UUID, Origin: newJSONOrigin(u.Origin),
				Access: wordList(u.Access.String()), OpenedBy: wordList(u.Opener.String()), OwnerChanged: u.Relabel, Inside: u.Inside,
			})
		}
		if err := j.element(out); err != nil {
			return err
		}
	}
	return nil
}

func (j *reachJSON) Unreadable(err error) error {
	j.errors = append(j.errors, newJSONUnreadable(err))
	return nil
}

func (j *reachJSON) Close(hidden inventory.Hidden) error {
	if err := j.begin(); err != nil {
		return err
	}
	tail := struct {
		Omitted    *int             `json:"omitted,omitempty"`
		Hidden     *jsonHidden      `json:"may_touch_unnamed,omitempty"`
		Unreadable []jsonUnreadable `json:"unreadable"`
	}{Omitted: j.share, Unreadable: j.errors}
	if len(j.opt.Paths) > 0 {
		tail.Hidden = &jsonHidden{hidden.Volumes, hidden.Arguments, hidden.Descriptors}
	}
	text, err := encode(tail, "")
	if err != nil {
		return err
	}
	end := "\n  ],"
	if j.count == 0 {
		end = "],"
	}
	_, err = j.w.Write(append(append([]byte(end), bytes.TrimPrefix(text, []byte("{"))...), '\n'))
	return err
}

func newJSONSensitive(place, severity, reason, guest string) *jsonSensitive {
	if place == "" {
		return nil
	}
	if severity == "" {
		severity = "none"
	}
	return &jsonSensitive{place, severity, reason, guest}
}

// wordList splits what package reach joins: [reach.Access] and [reach.Opener] in words.
func wordList(joined string) []string {
	if joined == "" {
		return []string{}
	}
	return strings.Split(joined, ", ")
}
