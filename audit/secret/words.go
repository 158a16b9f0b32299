// Package secret contains the words and forms that identify a secret, and masks secrets.
//
// One table of words decides what reports hide and fingerprints omit, where a false positive is
// harmless, and what rules report, where a false positive is a wrong finding.
package secret

import (
	"slices"
	"strings"
)

// use is a set of contexts in which a word marks a secret.
type use uint16

const (
	hide         use = 1 << iota // anywhere in a name, it marks the value as secret, even in a misspelt name
	hideEdge                     // the same for the whole of a name, or its first or last word
	hideArg                      // anywhere in an argument of QEMU, it hides the argument
	mark                         // followed by "=", it begins a secret in any value: URLs, storage, commands
	markColon                    // the same, followed by ":"
	markQuote                    // the same, followed by a quote, as in JSON
	parameter                    // as a word of a parameter's name, rules report the value
	parameterEnd                 // the same, as the last word only
	parameterKey                 // the same, as the word before "key": "access_key"
	credential                   // anywhere in the name of a systemd credential, rules report the value
	query                        // as the name of a parameter of a URL, rules report the value
	signed                       // the same, for signatures, which expire
)

// words must be in lower case.
var words = []struct {
	text string
	uses use
}{
	{"access", parameterKey},
	{"access_token", query},
	{"api", parameterKey},
	{"api_key", query},
	{"apikey", hide | markColon | parameter | query},
	{"auth", hide | hideArg | mark | parameterKey},
	{"auth_token", query},
	{"bearer", hide},
	{"cookie", hide | hideArg},
	{"cred", hide | hideArg},
	{"credential", credential},
	{"encryption", parameterKey},
	{"jwt", hide},
	{"key", hide | hideArg | mark | credential},
	{"otp", hideEdge},
	{"master", parameterKey},
	{"pass", hide | hideArg | mark | parameterEnd | credential},
	{"passphrase", mark | parameter},
	{"passwd", mark | markColon | markQuote | parameter | query},
	{"password", mark | markColon | markQuote | parameter | query},
	{"pin", hideEdge},
	{"pincode", hide},
	{"preshared", parameterKey},
	{"private", parameterKey},
	{"psk", hide | mark | parameterEnd | credential},
	{"psswd", hide},
	{"pswd", hide | mark | parameterEnd},
	{"pw", hideEdge | mark | parameterEnd},
	{"pwd", hide | mark | parameterEnd},
	{"rootpw", parameter},
	{"secret", hide | hideArg | mark | markColon | markQuote | parameter | parameterKey | credential | query},
	{"shared", parameterKey},
	{"sig", hideEdge | mark | signed},
	{"signature", hideEdge | mark | signed},
	{"ssh", credential},
	{"sshpw", parameter},
	{"ticket", hide | mark},
	{"token", hide | hideArg | mark | markColon | markQuote | parameter | credential | query},
	{"user", hideArg},
	{"x-amz-security-token", signed},
	{"x-amz-signature", signed},
	{"x-goog-signature", signed},
}

var (
	anywhere       = wordsFor(hide, "")
	atEdge         = wordsFor(hideEdge, "")
	parameterWords = wordsFor(parameter, "")
	lastWords      = wordsFor(parameterEnd, "")
	keyOwners      = wordsFor(parameterKey, "")
	credentials    = wordsFor(credential, "")
	queryKeys      = wordsFor(query, "")
	signedKeys     = wordsFor(signed, "")

	marks = slices.Concat(wordsFor(mark, "="), wordsFor(markColon, ":"), wordsFor(markQuote, `"`))

	// arguments also hides a command, a URL, and forms that can contain any text.
	arguments = append(wordsFor(hideArg, ""), "data=", "://", "string=", "exec:", `\u`)
)

func wordsFor(u use, end string) (list []string) {
	for _, w := range words {
		if w.uses&u != 0 {
			list = append(list, w.text+end)
		}
	}
	return list
}

// InArgument reports whether an argument of QEMU's command line may contain a secret.
func InArgument(value string) bool {
	value = strings.ToLower(value)
	return slices.ContainsFunc(arguments, func(w string) bool { return strings.Contains(value, w) })
}

// InParameter reports whether a parameter of a kernel contains a secret, by the words of its name:
// "aws_secret_access_key", "vncpassword", "db-password2". Names that end in a property of the secret
// do not: "token-timeout".
func InParameter(name string) bool {
	words := wordsIn(name[strings.LastIndexByte(name, '/')+1:]) // before it is a section: passwd/username
	last := len(words) - 1
	for i, word := range words {
		switch {
		case isParameterWord(word):
		case word == "key" && i > 0 && slices.Contains(keyOwners, words[i-1]):
		case i == last && slices.Contains(lastWords, word):
		default:
			continue
		}
		return i == last || !slices.Contains(properties, words[last])
	}
	return false
}

// properties are the last words of names whose value describes a secret, or where it is stored.
var properties = strings.Fields(`agent algorithm cache cipher count dev device dir echo enable enabled endpoint expires
	expiry file format hint host id len length max method min mode mount name path policy port prompt provider ref
	required server size slot source timeout tries ttl type uri url user username uuid version`)

// isParameterWord reports whether a word, or the end of one such as "vncpassword", marks a secret.
func isParameterWord(word string) bool {
	return slices.ContainsFunc(parameterWords, func(w string) bool {
		return (strings.HasSuffix(word, w) || strings.HasSuffix(word, w+"s")) && word != "no"+w
	})
}

// wordsIn returns the words of a name in lower case and without digits at their end: those between
// separators, and those that begin with a capital.
func wordsIn(name string) (words []string) {
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return strings.ContainsRune("._-:", r) }) {
		start := 0
		for i := 1; i <= len(part); i++ {
			if i < len(part) && (part[i] == Lower(part[i]) || part[i-1] != Lower(part[i-1])) {
				continue
			}
			if word := strings.TrimRight(strings.ToLower(part[start:i]), "0123456789"); word != "" {
				words = append(words, word)
			}
			start = i
		}
	}
	return words
}

// InCredential reports whether a credential's name contains a word for a secret.
func InCredential(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(credentials, func(w string) bool { return strings.Contains(name, w) })
}

// InQuery reports whether a parameter of a URL contains a secret, or a signature, which expires.
// name must be in lower case.
func InQuery(name string) (secret, expires bool) {
	return slices.Contains(queryKeys, name), slices.Contains(signedKeys, name)
}
