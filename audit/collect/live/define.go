package live

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/digitalocean/go-libvirt"
)

// Definition is the stored definition of a guest, and what is to take its place.
type Definition struct {
	Guest  string // its UUID
	Before []byte // as it was fetched, with passwords
	After  []byte
}

// Errors of Define.
var (
	// ErrRedefined is the error for a definition that is not the one that was fetched.
	ErrRedefined = errors.New("the stored definition has changed meanwhile")
	// ErrNoPasswords is the error for a connection that cannot read passwords.
	ErrNoPasswords = errors.New("this connection may not read passwords, and defining the guest would remove them")
)

// Define makes libvirt store another definition of a guest, after it has validated it by its schema,
// and returns the definition as libvirt stores it then. A guest that runs keeps its devices until it
// is restarted.
//
// It returns an error, and changes nothing, if the stored definition is not Before any more. It reads
// and defines as "virsh edit" does (source: tools/virsh-domain.c, cmdEdit): the inactive document with
// passwords, since a definition without them removes them. libvirt cannot compare and define at once:
// a definition within the moment between the two is lost.
func Define(uri string, o Options, d Definition) (stored []byte, err error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	o.ReadOnly = false
	t, err := parseURI(uri)
	if err != nil {
		return nil, err
	}
	s, err := connect(t, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	s.guard.allowDefine()
	guest, err := s.guestOf(d.Guest)
	if err != nil {
		return nil, err
	}
	read := func() (string, error) {
		text, err := call(s, func() (string, error) {
			return s.DomainGetXMLDesc(guest, libvirt.DomainXMLInactive|libvirt.DomainXMLFlags(secureFlag))
		})
		if forbidden(err) {
			err = ErrNoPasswords
		}
		return text, err
	}
	switch text, err := read(); {
	case err != nil:
		return nil, err
	case text != string(d.Before):
		return nil, ErrRedefined
	}
	if _, err := call(s, func() (libvirt.Domain, error) {
		return s.DomainDefineXMLFlags(string(d.After), libvirt.DomainDefineValidate)
	}); err != nil {
		return nil, fmt.Errorf("libvirt refuses the definition: %w", err)
	}
	text, err := read()
	if err != nil {
		return nil, fmt.Errorf("the guest is defined, and cannot be read: %w", err)
	}
	return []byte(text), nil
}

// guestOf returns the guest with a UUID.
func (s *session) guestOf(uuid string) (libvirt.Domain, error) {
	all, err := call(s, func() ([]libvirt.Domain, error) {
		list, _, err := s.ConnectListAllDomains(1, 0)
		return list, err
	})
	if err != nil {
		return libvirt.Domain{}, fmt.Errorf("cannot list the guests: %w", err)
	}
	for _, g := range all {
		if hex.EncodeToString(g.UUID[:]) == strings.ToLower(strings.ReplaceAll(uuid, "-", "")) {
			return g, nil
		}
	}
	return libvirt.Domain{}, fmt.Errorf("no guest has the UUID %s any more", uuid)
}
