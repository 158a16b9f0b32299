package cmdutil

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/virt-audit/virt-audit/audit/report"
)

// Interactive reports whether a user at a terminal can answer questions: standard input and standard
// error are terminals.
func (s *Streams) Interactive() bool {
	in, _ := s.In.(*os.File)
	out, _ := s.Err.(*os.File)
	return isTerminal(in) && isTerminal(out)
}

// Confirmer asks questions on standard error. It reads ahead, so that one must ask all.
type Confirmer struct {
	s  *Streams
	in *bufio.Reader
}

// NewConfirmer returns one that reads the answers from standard input.
func (s *Streams) NewConfirmer() *Confirmer { return &Confirmer{s, bufio.NewReader(s.In)} }

// Confirm asks a question, and reports whether the answer is "y" or "yes". Anything else, and the end
// of the input, is a no.
func (c *Confirmer) Confirm(question string) bool {
	fmt.Fprintf(c.s.Err, "%s [y/N] ", report.Printable(question))
	answer, err := c.in.ReadString('\n')
	if err != nil {
		fmt.Fprintln(c.s.Err)
		return false
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
