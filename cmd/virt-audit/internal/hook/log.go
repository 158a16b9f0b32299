package hook

import (
	"fmt"
	"log/syslog"
	"time"
)

// The targets of --log.
const (
	logSyslog = "syslog"
	logStderr = "stderr"
)

var logTargets = []string{logSyslog, logStderr}

// logTimeout is how long the log may take: a log that hangs must not delay a guest.
const logTimeout = time.Second

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
	case <-time.After(logTimeout):
		return fmt.Errorf("no answer in %v", logTimeout)
	}
}
