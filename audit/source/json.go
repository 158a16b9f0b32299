package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// JSONError returns an error of encoding/json about a file in words for users, at the line of the file
// that it is about, if it states one. about begins the message; it may be empty.
func JSONError(file string, data []byte, about string, err error) *Error {
	e := &Error{File: file, Err: err}
	offset := int64(-1)
	text := err.Error()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset, text = syntax.Offset, "invalid JSON: "+strings.TrimSuffix(text, " of JSON input")
	} else if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset, text = wrong.Offset, "must be "+jsonKind(wrong.Type)+", not "+article(wrong.Value)
		if wrong.Field != "" {
			text = wrong.Field + ": " + text
		}
	}
	if offset >= 0 {
		e.Line = 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
	}
	e.Message = strings.TrimPrefix(text, "json: ")
	if about != "" {
		e.Message = about + ": " + e.Message
	}
	return e
}

// jsonKind returns what a value of the type is in JSON.
func jsonKind(t reflect.Type) string {
	switch t.Kind() { //nolint:exhaustive // what is left are integers
	case reflect.Pointer:
		return jsonKind(t.Elem())
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "an integer"
}

// article adds the article to what encoding/json calls a value: "array", "number 1.5".
func article(value string) string {
	switch {
	case value == "bool":
		return "true or false"
	case strings.HasPrefix(value, "number "):
		return strings.TrimPrefix(value, "number ")
	case strings.HasPrefix(value, "a") || strings.HasPrefix(value, "o"):
		return "an " + value
	}
	return "a " + value
}
