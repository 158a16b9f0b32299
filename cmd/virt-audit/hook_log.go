package main

import (
	"fmt"
	"log/syslog"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// Where hooks log to.
const (
	logSyslog = "syslog"
	logStderr = "stderr"
)

// logPatience is how long the log may take: a log that hangs must not hold a guest up.
const logPatience = time.Second

// maxLogged is the length of a line in the log; every syslog takes 2 KiB (RFC 5424, 6.1).
const maxLogged = 1900

// hookLog logs one line where --log says. Where that is not there, the line goes to standard error:
// libvirt shows it when the guest is refused, and drops it otherwise.
func (s *streams) hookLog(c *cli.Context, text string) {
	if c.String("log") == logStderr || toSyslog(text) != nil {
		fmt.Fprintf(s.err, "virt-audit: %s\n", oneLine(text))
	}
}

func oneLine(text string) string {
	line := strings.ReplaceAll(lines(text), "\n  ", "; ")
	if len(line) > maxLogged {
		line = strings.ToValidUTF8(line[:maxLogged], "") + "..."
	}
	return line
}

// toSyslog writes one line to the system's log.
func toSyslog(text string) error {
	sent := make(chan error, 1)
	go func() {
		w, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_WARNING, "virt-audit")
		if err == nil {
			_, err = fmt.Fprint(w, oneLine(text))
			_ = w.Close()
		}
		sent <- err
	}()
	select {
	case err := <-sent:
		return err
	case <-time.After(logPatience):
		return fmt.Errorf("no answer in %v", logPatience)
	}
}
