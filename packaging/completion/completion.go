// Package completion contains the scripts that make shells complete virt-audit's command line. They ask
// virt-audit itself for the candidates at the cursor, so that they contain no list that could become stale.
package completion

import _ "embed"

// The scripts, as the packages install them.
var (
	//go:embed virt-audit.bash
	Bash string
	//go:embed _virt-audit
	Zsh string
	//go:embed virt-audit.fish
	Fish string
)
