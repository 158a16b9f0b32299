package command

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Value is where an option keeps its value.
type Value interface {
	Set(text string) error // once for each value
	Reset()                // forgets the values, the default too
	String() string        // "" if there is none
}

type (
	text     struct{ *string }
	list     struct{ values *[]string }
	toggle   struct{ *bool }
	duration struct{ *time.Duration }
	number   struct{ *int }
)

// Text keeps a value as it is.
func Text(p *string) Value { return text{p} }

// List keeps all values of an option that repeats.
func List(p *[]string) Value { return list{p} }

// Switch keeps whether an option is set.
func Switch(p *bool) Value { return toggle{p} }

// Duration keeps a time such as 10s.
func Duration(p *time.Duration) Value { return duration{p} }

// Number keeps an integer.
func Number(p *int) Value { return number{p} }

func (v text) Set(s string) error { *v.string = s; return nil }
func (v text) Reset()             { *v.string = "" }
func (v text) String() string     { return *v.string }

func (v list) Set(s string) error { *v.values = append(*v.values, s); return nil }
func (v list) Reset()             { *v.values = nil }
func (v list) String() string     { return strings.Join(*v.values, ",") }

func (v toggle) Reset()         { *v.bool = false }
func (v toggle) String() string { return strconv.FormatBool(*v.bool) }

func (v toggle) Set(s string) (err error) {
	if *v.bool, err = strconv.ParseBool(s); err != nil {
		return errors.New("it is true or false")
	}
	return nil
}

func (v duration) Reset()         { *v.Duration = 0 }
func (v duration) String() string { return v.Duration.String() }

func (v duration) Set(s string) (err error) {
	if *v.Duration, err = time.ParseDuration(s); err != nil {
		return errors.New("a duration is a number with a unit, such as 10s or 2m")
	}
	return nil
}

func (v number) Reset()         { *v.int = 0 }
func (v number) String() string { return strconv.Itoa(*v.int) }

func (v number) Set(s string) (err error) {
	if *v.int, err = strconv.Atoi(s); err != nil {
		return errors.New("it is not an integer")
	}
	return nil
}
