package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"
)

// helpCommand is what --help prints, for those who type the word.
func (s *streams) helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "show the help of virt-audit or of one of its commands",
		ArgsUsage: "[COMMAND]...",
		Action: func(c *cli.Context) error {
			app := newApp(s)
			words, commands := []string{app.Name}, app.Commands
			for _, word := range c.Args().Slice() {
				found := command(commands, word)
				switch {
				case found != nil:
					commands = found.Subcommands
				case words[len(words)-1] == hookName && slices.Contains(hookSubcommands, word): // which the library does not know
				default:
					var names []string
					for _, c := range commands {
						names = append(names, c.Name)
					}
					return &usageError{fmt.Sprintf("help: there is no command %q", word), didYouMean(word, names)}
				}
				words = append(words, word)
			}
			args, err := arrange(app, append(words, "--help"))
			if err != nil {
				return err
			}
			return app.Run(args)
		},
	}
}

// versionCommand is what --version prints, for those who type the word.
func (s *streams) versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("version takes no argument")
			}
			cli.VersionPrinter(c)
			return nil
		},
	}
}
