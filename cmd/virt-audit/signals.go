package main

import (
	"os"
	"os/signal"
	"syscall"
)

// whenEnded has what is unfinished cleaned up before a signal ends the program, and a pipe that nobody reads be
// an error and not the end, until stop is called. Input may be waited for at that time: it is another goroutine
// that cleans up.
func whenEnded(clean func()) (stop func()) {
	ended := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // as nohup has it
			signal.Notify(ended, sig)
		}
	}
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, syscall.SIGPIPE)
	finished := make(chan struct{})
	go func() {
		select {
		case <-finished:
		case sig := <-ended:
			clean()
			signal.Reset(sig) // whoever waits for us is to see which signal it was
			_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
		}
	}()
	return func() {
		signal.Stop(ended)
		signal.Stop(unread)
		close(finished)
	}
}
