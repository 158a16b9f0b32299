package need

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Held is set in the environment of the process that a test starts in order to run a test that is
// Alone.
const Held = "VIRT_AUDIT_TEST_ALONE=1"

// lock is what a top-level test holds as long as one of its users runs: itself or its subtests.
type lock struct {
	queue string
	users int
	take  sync.Once
	file  *os.File
	err   error
}

var (
	locksMutex sync.Mutex
	locks      = map[string]*lock{} // by top-level test
)

// Alone skips the test under -short, and waits until no other test that is Alone runs, in any
// package and any run of this user. It is for daemons, browsers and shells, which have time limits:
// several at once would miss them on a loaded machine. part names what the test needs. The subtests
// of a test count as one.
//
// The test itself must not call Parallel, though its subtests may: parallel tests that wait here would
// take the places that the parallel subtests of the one that runs wait for.
func Alone(tb testing.TB, part string) {
	tb.Helper()
	alone(tb, "", part)
}

// AloneWithSystemd is Alone for tests with a systemd. They only wait for each other: they take long,
// mostly in one process at a time, so that the others need not wait for them.
func AloneWithSystemd(tb testing.TB) {
	tb.Helper()
	alone(tb, "-systemd", "systemd")
}

func alone(tb testing.TB, queue, part string) {
	tb.Helper()
	Full(tb, part)
	name, value, _ := strings.Cut(Held, "=")
	if os.Getenv(name) == value {
		return
	}
	test, _, _ := strings.Cut(tb.Name(), "/")
	locksMutex.Lock()
	l := locks[test]
	if l == nil {
		l = &lock{queue: queue}
		locks[test] = l
	}
	l.users++
	locksMutex.Unlock()

	tb.Cleanup(func() {
		locksMutex.Lock()
		defer locksMutex.Unlock()
		if l.users--; l.users == 0 {
			delete(locks, test)
			_ = l.file.Close() // which unlocks it
		}
	})
	if l.take.Do(l.wait); l.err != nil {
		tb.Fatal(l.err)
	}
}

// wait blocks until this process has the file to itself. The kernel unlocks it when the process
// ends, in whatever way.
func (l *lock) wait() {
	name := filepath.Join(os.TempDir(), fmt.Sprintf("virt-audit-tests-%d%s.lock", os.Getuid(), l.queue))
	l.file, l.err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	for l.err == nil {
		l.err = syscall.Flock(int(l.file.Fd()), syscall.LOCK_EX)
		if l.err == nil {
			return
		}
		if l.err == syscall.EINTR { //nolint:errorlint // it is not wrapped
			l.err = nil
		}
	}
}
