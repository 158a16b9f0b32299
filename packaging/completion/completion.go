// Package completion holds the scripts that make shells complete virt-audit's command line. They ask the
// program itself what may stand at the cursor, so that they hold no list that could grow stale.
package completion

import _ "embed"

// The scripts, as they are installed.
var (
	//go:embed virt-audit.bash
	Bash string
	//go:embed _virt-audit
	Zsh string
	//go:embed virt-audit.fish
	Fish string
)
