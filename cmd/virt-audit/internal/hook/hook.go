// Package hook is 'virt-audit hook': libvirt asks it before it starts a guest.
//
// What libvirt promises to hooks, and how it uses their answer (docs/hooks.rst; src/util/virhook.c;
// the rest measured with libvirt 9.0):
//
//   - It calls HOOK OBJECT OPERATION SUBOPERATION EXTRA with the guest's XML on standard input, as
//     the user that the daemon runs as, with little more than PATH in the environment.
//   - It waits without a limit, and holds the guest's lock: a hook that asks libvirt something
//     waits for itself.
//   - At "prepare", "restore" and "migrate" a status other than 0 refuses the start. At "reconnect"
//     it kills a guest that runs, at "stopped" and "release" it means nothing. All starts pass
//     "prepare": autostart, "virsh create", a revert to a snapshot and, after "restore", a managed
//     save too.
//   - At "restore" and "migrate" what the hook prints replaces the guest's XML.
//   - What it writes to standard error becomes part of the error that the user of virsh is shown;
//     with status 0 it is lost.
package hook

import "github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"

// New returns the command.
func New() *command.Command {
	decide := decideCommand()
	return &command.Command{
		Name:  "hook",
		Usage: "have libvirt ask virt-audit before it starts a guest",
		Synopsis: []command.Line{
			{
				Call:  "virt-audit hook install [options]",
				About: "write the script, with the options of the decision",
			},
			{
				Call:  "virt-audit hook status [options]",
				About: "exit 0 when the hook is active, 1 when it cannot be relied on",
			},
			{Call: "virt-audit hook uninstall [options]", About: "remove the script"},
			{
				Call:  "virt-audit hook decide [options] -- GUEST OPERATION SUBOPERATION EXTRA",
				About: "what the script calls: exit 0 allows the start, 1 refuses it",
			},
		},
		Description: "A refused guest does not start, and 'virsh start' shows the reason. A guest whose XML cannot be judged\n" +
			"is refused too; it starts only if virt-audit itself fails. Guests that run already, and devices that\n" +
			"are plugged into them, do not pass the hook. libvirt 6.5 or newer is required.",
		Subcommands: []*command.Command{installCommand(), statusCommand(), uninstallCommand(), decide},
		Dashes:      decide,
	}
}

// decideCommand is what the script calls. A guest may have any name, so that the arguments follow
// "--".
func decideCommand() *command.Command {
	d := newDecision()
	d.rows = append(d.rows, &command.Flag{
		Name:     "dry-run",
		Hidden:   true,
		Variable: "-",
		Usage:    "the name of --log-only in scripts of form 1",
		Value:    command.Switch(&d.logOnly),
	})
	return &command.Command{
		Name:  "decide",
		Usage: "judge the guest on standard input: exit 0 allows its start, 1 refuses it",
		Arguments: []command.Argument{
			{
				Metavar: "GUEST",
			}, {
				Metavar: "OPERATION",
			}, {Metavar: "SUBOPERATION"}, {Metavar: "EXTRA", Repeated: true},
		},
		Flags: d.rows,
		Run: func(inv *command.Invocation) error {
			return (&call{inv.Streams, d}).answer(inv.Args[0], inv.Args[1])
		},
	}
}
