package local

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// rule is a compiled local rule. It is immutable, so any number of goroutines can evaluate it.
type rule struct {
	program cel.Program
	info    func(id int64) (line, column int) // the position of a node of the expression
	oneLine string                            // the expression
	needs   audit.Inputs
	secrets secrets

	each        []*field // the path from <domain> to the elements of "for"; nil for a rule about the domain
	steps, attr string   // the path from there to the place of findings
	message     string
}

// compile checks the expression. subject is the type of "this" in a rule about single elements.
func (r *rule) compile(expression string, subject *shape) error {
	base, err := environment()
	if err != nil {
		return fmt.Errorf("create the environment of local rules: %w", err)
	}
	types := &provider{}
	options := []cel.EnvOption{cel.CustomTypeProvider(types)}
	if r.each != nil {
		options = append(options, cel.Variable(this, subject.cel))
	}
	env, err := base.Extend(options...)
	if err != nil {
		return fmt.Errorf("create the environment of a local rule: %w", err)
	}
	words := func() *reader { return &reader{[]rune(expression), types.missed, r.each != nil} }
	tree, issues := env.Compile(expression)
	if issues.Err() != nil {
		return words().first(issues.Errors())
	}
	in := inspect(tree.NativeRep())
	if len(in.errs) > 0 {
		return words().first(in.errs)
	}
	if t := tree.OutputType(); !t.IsExactType(cel.BoolType) {
		e := problem("expression", "the expression has type "+cel.FormatCELType(t)+", but must be true or false")
		e.Position = source.Position{Line: 1, Column: 1}
		return e
	}
	r.needs, r.secrets, r.oneLine = in.needs, in.secrets, oneLine(expression, tree)
	r.info = func(id int64) (line, column int) {
		at := tree.NativeRep().SourceInfo().GetStartLocation(id)
		return at.Line(), at.Column() + 1
	}
	r.program, err = env.Program(tree, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return problem("expression", err.Error())
	}
	return nil
}

// oneLine returns an expression without line breaks. An expression of several lines may have
// comments, so it is formatted from the syntax tree.
func oneLine(expression string, tree *cel.Ast) string {
	expression = strings.TrimSpace(expression)
	if !strings.Contains(expression, "\n") {
		return expression
	}
	text, err := cel.AstToString(tree, cel.FormatEscapeIdentifiers(true), cel.FormatWrapOnColumn(maxLength))
	if err != nil {
		return strings.Join(strings.Fields(expression), " ")
	}
	return strings.Join(strings.Fields(text), " ")
}

// scope resolves the names of an expression for one domain.
type scope struct {
	pass   *audit.Pass
	domain *object
	this   *object
}

// ResolveName implements cel.Activation.
func (s *scope) ResolveName(name string) (any, bool) {
	switch name {
	case "domain":
		return s.domain, true
	case "boundary", "host":
		return &facts{shapes()[name], s.pass}, true
	case "name":
		return types.String(s.pass.Name), true
	case "source":
		return types.String(s.pass.Source), true
	case this:
		return s.this, s.this != nil
	}
	return nil, false
}

// Parent implements cel.Activation.
func (s *scope) Parent() cel.Activation { return nil }

// check evaluates the rule for a domain. A failed evaluation is a finding of the rule's own
// severity: the document may be crafted to cause the failure.
func (r *rule) check(p *audit.Pass) {
	if r.secrets.mayLack(p) {
		p.Unknown(audit.NeedSecrets)
		return
	}
	cost := uint64(0)
	for subject := range r.subjects(p) {
		if cost > maxCost {
			p.Key("not-evaluated").Reportf(r.at(subject), "%s", failure(tooExpensive))
			return
		}
		answer, details, err := r.program.Eval(subject)
		if spent := details.ActualCost(); spent != nil {
			cost += *spent
		}
		var lacking *unknown
		switch {
		case errors.As(err, &lacking):
			p.Unknown(lacking.need)
		case err != nil:
			p.Key("not-evaluated").Reportf(r.at(subject), "%s", failure(r.reason(err)))
		case answer != ref.Val(types.True):
			p.Reportf(r.at(subject), "%s", r.message)
		}
	}
}

// subjects walks the scopes in which the expression is evaluated: the domain, or each of the
// elements of a rule with "for".
func (r *rule) subjects(p *audit.Pass) iter.Seq[*scope] {
	in := &document{map[place]ref.Val{}, map[place]types.String{}}
	root := &object{shapes()["domain"], in, p.Root(), true}
	return func(yield func(*scope) bool) {
		if r.each == nil {
			yield(&scope{p, root, nil})
			return
		}
		var walk func(o *object, steps []*field) bool
		walk = func(o *object, steps []*field) bool {
			if len(steps) == 0 {
				return yield(&scope{p, root, o})
			}
			for e := range o.children(steps[0]) {
				if !walk(&object{steps[0].of, in, e, true}, steps[1:]) {
					return false
				}
			}
			return true
		}
		walk(root, r.each)
	}
}

// at returns the path of a finding about a subject.
func (r *rule) at(s *scope) audit.Path {
	var at audit.Path
	if s.this != nil {
		at = s.this.element.Path()
	}
	if r.steps != "" {
		at = at.Elem(r.steps)
	}
	return at.Attr(r.attr)
}

const tooExpensive = "its cost for this domain exceeds the limit"

func failure(reason string) string { return "the rule could not be evaluated: " + reason }

// reason returns why the evaluation of an expression failed. It does not repeat CEL's message,
// which may quote the document, including its secrets.
func (r *rule) reason(err error) string {
	if cancelled, ok := errors.AsType[interpreter.EvalCancelledError](err); ok && cancelled.Cause == interpreter.CostLimitExceeded {
		return tooExpensive
	}
	why := "an error"
	for _, known := range []struct{ part, why string }{
		{"index out of", "the index is out of range"},
		{"no such key", "the map has no such key"},
		{"type conversion error", errNumber.Error()},
		{errNumber.Error(), errNumber.Error()},
		{"overflow", errTooLarge.Error()},
		{errTooLarge.Error(), errTooLarge.Error()},
		{errUnit.Error(), errUnit.Error()},
		{"division by zero", "division by zero"},
		{"modulus by zero", "division by zero"},
	} {
		if strings.Contains(err.Error(), known.part) {
			why = known.why
			break
		}
	}
	var value *types.Err
	if errors.As(err, &value) && value.NodeID() > 0 {
		if line, column := r.info(value.NodeID()); line > 0 {
			return fmt.Sprintf("%s (%s of the expression)", why, source.Location("", line, column))
		}
	}
	return why
}
