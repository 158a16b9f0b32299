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
	hide       use = 1 << iota // anywhere in a name, it marks the value as secret, even in a misspelt name
	hideEdge                   // the same for the whole of a name, or its first or last word
	hideArg                    // anywhere in an argument of QEMU, it hides the argument
	mark                       // followed by "=", it begins a secret in any value: URLs, storage, commands
	markColon                  // the same, followed by ":"
	markQuote                  // the same, followed by a quote, as in JSON
	parameter                  // as the last word of a parameter's name, rules report the value
	credential                 // anywhere in the name of a systemd credential, rules report the value
	query                      // as the name of a parameter of a URL, rules report the value
	signed                     // the same, for signatures, which expire
)

// words must be in lower case.
var words = []struct {
	text string
	uses use
}{
	{"access_token", query},
	{"api_key", query},
	{"apikey", hide | markColon | parameter | query},
	{"auth", hide | hideArg},
	{"auth_token", query},
	{"bearer", hide},
	{"cookie", hide | hideArg},
	{"cred", hide | hideArg},
	{"credential", credential},
	{"jwt", hide},
	{"key", hide | hideArg | mark | credential},
	{"otp", hideEdge},
	{"pass", hide | hideArg | mark | parameter | credential},
	{"passphrase", mark | parameter},
	{"passwd", mark | markColon | markQuote | parameter | query},
	{"password", mark | markColon | markQuote | parameter | query},
	{"pin", hideEdge},
	{"pincode", hide},
	{"psk", hide | mark | parameter | credential},
	{"psswd", hide},
	{"pswd", hide | mark},
	{"pw", hideEdge | mark},
	{"pwd", hide | mark},
	{"rootpw", parameter},
	{"secret", hide | hideArg | mark | markColon | markQuote | parameter | credential | query},
	{"sig", hideEdge | mark | signed},
	{"signature", hideEdge | mark | signed},
	{"ssh", credential},
	{"sshpw", parameter},
	{"ticket", hide | mark},
	{"token", hide | hideArg | mark | markColon | markQuote | parameter | credential | query},
	{"user", hideArg},
	{"vncpassword", parameter},
	{"x-amz-security-token", signed},
	{"x-amz-signature", signed},
	{"x-goog-signature", signed},
}

var (
	anywhere       = wordsFor(hide, "")
	atEdge         = wordsFor(hideEdge, "")
	parameterWords = wordsFor(parameter, "")
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

// InParameter reports whether a parameter of that name contains a secret. "token-timeout" does not.
func InParameter(name string) bool {
	last, before := lastWords(name)
	return slices.Contains(parameterWords, last) || last == "crypted" && slices.Contains(parameterWords, before) ||
		last == "key" && before == "api"
}

// lastWords returns the last word of a name, and the one before it.
func lastWords(name string) (last, before string) {
	next := func() string {
		i := strings.LastIndexAny(name, "./-_:")
		word := name[i+1:]
		name = name[:max(i, 0)]
		return strings.ToLower(word)
	}
	return next(), next()
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
