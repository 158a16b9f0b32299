package cmdutil

import (
	"os"
	"os/signal"
	"syscall"
)

// OnTermination calls clean before a signal ends the process, and makes writing to a pipe that has
// no reader an error instead of the end of the process, until stop is called. clean runs in another
// goroutine: this one may be waiting for input.
func OnTermination(clean func()) (stop func()) {
	terminated := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // as nohup does
			signal.Notify(terminated, sig)
		}
	}
	brokenPipe := make(chan os.Signal, 1)
	signal.Notify(brokenPipe, syscall.SIGPIPE)
	finished := make(chan struct{})
	go func() {
		select {
		case <-finished:
		case sig := <-terminated:
			clean()
			signal.Reset(sig) // the parent process is to see which signal it was
			_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
		}
	}()
	return func() {
		signal.Stop(terminated)
		signal.Stop(brokenPipe)
		close(finished)
	}
}
