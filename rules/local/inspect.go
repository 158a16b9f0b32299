package local

import (
	"slices"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/virt-audit/virt-audit/audit"
)

// inspection is the result of a walk over a checked expression.
type inspection struct {
	tree    *ast.AST
	needs   audit.Inputs // of the host
	secrets secrets
	errs    []*common.Error
}

// secrets are the secrets that a rule uses and that libvirt omits from a document unless requested.
type secrets struct{ passwords, cookies bool }

// mayLack reports whether the document may lack secrets that the rule uses.
func (s secrets) mayLack(p *audit.Pass) bool {
	if s == (secrets{}) || p.SecretsShown() {
		return false
	}
	for e := range p.Elements() {
		switch e.Name {
		case "graphics":
			if s.passwords {
				return true
			}
		case "source":
			if protocol, _ := e.Attr("protocol"); s.cookies && protocol != "" {
				return true
			}
		}
	}
	return false
}

// inspect rejects expressions that pass the type check but that rules must not use, and collects
// what a rule requires.
func inspect(tree *ast.AST) *inspection {
	in := &inspection{tree: tree}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(in.visit))
	return in
}

func (in *inspection) refuse(e ast.Expr, message string) {
	in.errs = append(in.errs, common.NewError(e.ID(), message, in.tree.SourceInfo().GetStartLocation(e.ID())))
}

func (in *inspection) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.CallKind:
		in.call(e, e.AsCall())
	case ast.SelectKind:
		in.selection(e, e.AsSelect())
	case ast.StructKind:
		in.refuse(e, "objects cannot be created")
	default:
	}
}

func (in *inspection) selection(e ast.Expr, s ast.SelectExpr) {
	operand := in.tree.GetType(s.Operand().ID())
	if operand.Kind() == types.DynKind {
		in.refuse(e, "the type of this value is not known, so it has no fields")
		return
	}
	known := shapes()[operand.TypeName()]
	if operand.Kind() != types.StructKind || known == nil {
		return
	}
	if f := known.fields[s.FieldName()]; f != nil && f.fact != nil && !s.IsTestOnly() {
		in.needs |= f.fact.need
	}
	switch known.name + "." + s.FieldName() {
	case "devices/graphics.passwd":
		in.secrets.passwords = true
	case "source/cookies.cookie":
		in.secrets.cookies = true
	}
}

func (in *inspection) call(e ast.Expr, c ast.CallExpr) {
	name := c.FunctionName()
	if _, ok := functions[name]; !ok {
		in.refuse(e, "undeclared reference to '"+name+"'")
		return
	}
	overloads := in.tree.GetOverloadIDs(e.ID())
	switch {
	case name == "_+_" && slices.Contains(overloads, "add_list") && !in.collects(c):
		// A list that is repeatedly added to itself grows without a cost.
		in.refuse(e, "lists cannot be added")
	case name == "_==_" || name == "_!=_" || name == "@in":
		for _, operand := range c.Args() {
			// Comparing them takes much more time than the cost that CEL counts.
			if t := in.tree.GetType(operand.ID()); deep(t) && (name != "@in" || t.Kind() == types.ListKind) {
				in.refuse(e, "maps, and lists of lists, cannot be compared")
				return
			}
		}
	case name == "matches":
		if pattern := c.Args()[len(c.Args())-1]; pattern.Kind() != ast.LiteralKind {
			in.refuse(pattern, "the pattern must be a literal")
		}
	}
}

// collects reports whether an addition belongs to the expansion of map() or filter().
func (in *inspection) collects(c ast.CallExpr) bool {
	first := c.Args()[0]
	return first.Kind() == ast.IdentKind && first.AsIdent() == "@result"
}

// deep reports whether a type is a map, or a list of lists or maps.
func deep(t *types.Type) bool {
	switch t.Kind() {
	case types.MapKind:
		return true
	case types.ListKind:
		item := t.Parameters()[0].Kind()
		return item == types.ListKind || item == types.MapKind
	default:
		return false
	}
}
