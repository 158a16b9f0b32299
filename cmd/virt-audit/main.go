// Command virt-audit reports which libvirt guests are inside QEMU's security support boundary, and
// what in their XML exposes the host or another guest.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/completion"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/configcmd"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/diffcmd"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/factscmd"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/fixcmd"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/hook"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/policycmd"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/reachcmd"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/rulescmd"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/scan"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/waive"
)

func main() {
	os.Exit(run(os.Args, os.Stdin, cmdutil.OpenStdout(), os.Stderr))
}

// newProgram returns the audit with the commands, in the order of help.
func newProgram() *command.Command {
	program := scan.New()
	program.Subcommands = []*command.Command{
		rulescmd.New(),
		rulescmd.Explain(),
		policycmd.New(),
		reachcmd.New(),
		fixcmd.New(),
		configcmd.New(),
		factscmd.New(),
		hook.New(),
		waive.New(),
		diffcmd.New(),
		completion.New(),
		command.HelpCommand(),
		command.VersionCommand(),
	}
	return program
}

// version is set when a release is built.
var version = ""

func toolVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "devel"
}

// run is main but for the exit. The first argument is the name of the executable.
func run(args []string, in io.Reader, out, errOut io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(errOut, "virt-audit: internal error: %v\n%s", r, debug.Stack())
			code = cmdutil.ExitInternal
		}
	}()
	return command.Execute(newProgram(), cmdutil.NewStreams(in, out, errOut, toolVersion()), args[min(1, len(args)):])
}
