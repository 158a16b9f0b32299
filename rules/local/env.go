package local

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// Limits of one rule. There is no limit on time: the result of a rule must not depend on the
// machine.
const (
	// maxCost limits the cost of a rule for one domain, in CEL's units: about one for each step,
	// and one for each ten bytes of text that it reads. A step takes a tenth of a microsecond.
	maxCost = 200_000

	maxLength  = 16_384 // code points of an expression
	maxNodes   = 20_000 // nodes of an expression, with its macros expanded
	maxDepth   = 100    // nested brackets and dots; the time to check types grows with the cube of it
	maxNesting = 4      // nested macros such as all() and exists()
	maxRegex   = 5_000  // instructions of a compiled pattern
	maxItems   = 1 << 20
)

// functions are the functions that an expression may call, by CEL's name, with the name for users.
// Others are omitted on purpose: dyn() disables the checking of types, functions that extend texts
// can make them very long, and the rest is not useful.
var functions = map[string]string{
	"_&&_": "&&", "_||_": "||", "!_": "!", "_?_:_": "?:",
	"_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=", "@in": "in",
	"_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%", "-_": "-",
	"_[_]": "[]", "@not_strictly_false": "",
	"size": "size", "int": "int", "string": "string",
	"contains": "contains", "startsWith": "startsWith", "endsWith": "endsWith", "matches": "matches",
	"charAt": "charAt", "indexOf": "indexOf", "lastIndexOf": "lastIndexOf", "lowerAscii": "lowerAscii", "upperAscii": "upperAscii",
	"split": "split", "substring": "substring", "trim": "trim",
	"kibibytes": "kibibytes",
}

// macros are the macros of CEL, which it expands to loops and tests.
var macros = []string{"has", "all", "exists", "exists_one", "map", "filter"}

// variables are available to every expression.
var variables = []string{"boundary", "domain", "host", "name", "source"}

// this is the variable of a rule about single elements.
const this = "this"

// environment is created when the first rule is compiled, so that a run without local rules has no
// cost.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	known := shapes()
	return cel.NewEnv(
		cel.EnableIdentifierEscapeSyntax(),
		cel.EnableHiddenAccumulatorName(true),
		cel.EnableMacroCallTracking(),
		cel.ParserExpressionSizeLimit(maxLength),
		cel.ExpressionNodeLimit(maxNodes),
		cel.ParserRecursionLimit(maxDepth),
		cel.RegexProgramSizeLimit(maxRegex),
		cel.ASTValidators(
			cel.ValidateRegexLiterals(),
			cel.ValidateHomogeneousAggregateLiterals(),
			cel.ValidateComprehensionNestingLimit(maxNesting),
		),
		cel.CostSizingStrategy(cost.AggregateSizingStrategy(types.SizeCalculatorMaxTraversal(maxItems))),
		ext.Strings(ext.StringsVersion(5)),
		cel.CustomTypeProvider(&provider{}),
		cel.Variable("domain", known["domain"].cel),
		cel.Variable("boundary", known["boundary"].cel),
		cel.Variable("host", known["host"].cel),
		cel.Variable("name", cel.StringType),
		cel.Variable("source", cel.StringType),
		cel.Function("kibibytes", cel.Overload("kibibytes_string_string",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.IntType, cel.BinaryBinding(kibibytes))),
	)
})

// kibibytes returns an amount of memory in KiB, from a number and a unit as libvirt reads them
// (virScaleInteger). The default unit is KiB. The result is rounded up.
func kibibytes(number, unit ref.Val) ref.Val {
	n, err := strconv.ParseUint(strings.TrimSpace(string(number.(types.String))), 10, 64)
	if err != nil {
		return types.WrapErr(errNumber)
	}
	scale, err := scaleOf(string(unit.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	if n > math.MaxInt64/scale {
		return types.WrapErr(errTooLarge)
	}
	return types.Int((n*scale + 1023) / 1024)
}

var (
	errNumber   = errors.New("the text is not a number, or the number is too large")
	errUnit     = errors.New("the text is not a unit of memory")
	errTooLarge = errors.New("the number is too large")
)

// scaleOf returns the number of bytes of a unit: b, bytes; k, KiB and KB, which is 1000, and so on.
func scaleOf(unit string) (uint64, error) {
	unit = strings.ToLower(unit)
	switch unit {
	case "":
		return 1024, nil
	case "b", "byte", "bytes":
		return 1, nil
	}
	base := uint64(1024)
	switch unit[1:] {
	case "", "ib":
	case "b":
		base = 1000
	default:
		return 0, errUnit
	}
	power := strings.IndexByte("kmgtpe", unit[0])
	if power < 0 {
		return 0, errUnit
	}
	scale := base
	for range power {
		scale *= base
	}
	return scale, nil
}
