package domxml

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/secret"
)

// A fingerprint omits secrets and nothing else, key by key: anyone who has the fingerprint can test
// guesses of its input (docs/decisions/0001-fingerprints.md).

// write writes the option and the parts of its argument that are not secret.
func (o *Option) write(b *strings.Builder) {
	b.WriteString("-" + secret.Mask(o.Name))
	switch {
	case o.Value == "":
	case secret.InName(o.Name) && !withArgument[o.Name]:
		b.WriteString(" " + secret.Hidden)
	case o.Name == "append":
		b.WriteString(" " + kernelContent(o.Value))
	case o.Name == "prom-env":
		name, value, _ := strings.Cut(o.Value, "=")
		b.WriteString(" " + name + "=" + maskedValue(name, value))
	case strings.HasPrefix(o.Value, "{"):
		writeJSON(b, o.Value)
	case o.Name == "" || !strings.Contains(o.Value, "="):
		b.WriteString(" " + contentOfValue(o.Value))
	default:
		o.writeParts(b)
	}
	b.WriteByte('\n')
}

// writeParts writes the keys and values of an argument.
func (o *Option) writeParts(b *strings.Builder) {
	name, _ := o.Get("name")
	for _, a := range o.Args {
		value := maskedValue(a.Key, a.Value)
		switch {
		case a.Key == "data" && o.Name == "object":
			value = secret.Hidden
		case a.Key == "string" && o.Name == "fw_cfg":
			value = maskedValue(name, a.Value)
		case a.Key == "value" && o.Name == "smbios":
			value = smbiosContent(a.Value)
		}
		b.WriteString(" " + strconv.Quote(a.Key) + "=" + strconv.Quote(value))
	}
}

// writeJSON writes an argument in JSON, lists included. Malformed JSON is written as plain text,
// unless it names a secret: where the secret ends is not known.
func writeJSON(b *strings.Builder, text string) {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		switch args, err := DecodeJSON(text); {
		case err == nil:
			writeQuotedOnce(b, args)
		case secret.InName(text):
			b.WriteString(" " + secret.Hidden)
		default:
			b.WriteString(" " + contentOfValue(text))
		}
		return
	}
	secret := false
	if object, ok := value.(map[string]any); ok {
		kind, _ := object["qom-type"].(string)
		secret = strings.HasPrefix(kind, "secret")
	}
	b.WriteByte(' ')
	writeAny(b, "", value, secret)
}

// writeQuotedOnce writes an argument that is JSON only for QEMU: its strings may be in single
// quotes (qobject/json-lexer.c).
func writeQuotedOnce(b *strings.Builder, args []KeyValue) {
	object := slices.ContainsFunc(args, func(a KeyValue) bool {
		return a.Key == "qom-type" && strings.HasPrefix(a.Value, "secret")
	})
	for _, a := range args {
		value := maskedValue(a.Key, a.Value)
		if object && a.Key == "data" {
			value = secret.Hidden
		}
		b.WriteString(" " + strconv.Quote(a.Key) + ":" + strconv.Quote(value))
	}
}

func writeAny(b *strings.Builder, key string, value any, object bool) {
	switch v := value.(type) {
	case map[string]any:
		b.WriteByte('{')
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			b.WriteString(strconv.Quote(k) + ":")
			inside := k
			if key != "" && secret.InName(key) {
				inside = key // everything inside a secret is secret
			}
			writeAny(b, inside, v[k], object)
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for _, e := range v {
			writeAny(b, key, e, object)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	default:
		text := maskedValue(key, fmt.Sprint(v))
		if object && key == "data" {
			text = secret.Hidden
		}
		b.WriteString(strconv.Quote(text))
	}
}

// maskedValue returns the value of a setting, or a mask.
func maskedValue(key, value string) string {
	if secret.InName(key) && !isSwitch(value) {
		return secret.Hidden
	}
	return contentOfValue(value)
}

// isSwitch reports whether a value is a common constant that cannot be a secret.
func isSwitch(value string) bool {
	switch value {
	case "", "on", "off", "yes", "no", "true", "false", "0", "1":
		return true
	}
	return false
}

// contentOfValue returns a value with its secrets masked. The path of a local file is not a secret,
// even if it contains the characters that separate a user from a password elsewhere.
func contentOfValue(value string) string {
	if strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") && !strings.Contains(value, "://") {
		if _, end := secret.Marked(value, 0); end == 0 {
			return value
		}
	}
	return secret.Mask(value)
}

// kernelContent returns a kernel's command line with its secrets masked.
func kernelContent(line string) string {
	var out []string
	for word := range strings.FieldsSeq(line) {
		if name, value, ok := strings.Cut(word, "="); ok {
			switch {
			case strings.HasPrefix(name, "systemd.set_credential"):
				credential, _, _ := strings.Cut(value, ":")
				word = name + "=" + credential + ":" + secret.Hidden
			case strings.EqualFold(name, "luks"):
				word = name + "=" + secret.Hidden
			default:
				word = name + "=" + maskedValue(name, value)
			}
		}
		out = append(out, contentOfValue(word))
	}
	return strings.Join(out, " ")
}

// smbiosContent returns an SMBIOS string, masked; for a systemd credential only the name.
func smbiosContent(entry string) string {
	if !strings.HasPrefix(strings.TrimSpace(entry), "io.systemd.credential") {
		if name, value, ok := strings.Cut(entry, "="); ok {
			return name + "=" + maskedValue(name, value)
		}
		return contentOfValue(entry)
	}
	name, _, _ := strings.Cut(entry, "=")
	return name + "=" + secret.Hidden
}
