package pipeline

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// memoryLimit is the size, in bytes, from which the garbage collector runs more often. With it,
// memory is about the same for a hundred guests and for ten thousand.
const memoryLimit = 96 << 20

// documentsPerCheck is the number of documents after which the memory limit is adjusted.
const documentsPerCheck = 256

// gcPercent lets the heap grow to five times the live memory. Documents are small and short-lived;
// with a lower value the collector would run all the time and need a second CPU.
const gcPercent = 400

// LimitProcess prepares the process for a run over many documents: it sets how often the garbage
// collector runs, and limits the whole process, garbage collection included, to as many CPUs as
// there are jobs. restore removes the limit on CPUs.
func LimitProcess(jobs int) (restore func()) {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	before := runtime.GOMAXPROCS(min(jobs, runtime.GOMAXPROCS(0)))
	return func() { runtime.GOMAXPROCS(before) }
}

// adjustMemoryLimit raises the limit if the long-lived memory, the index and the findings, is more
// than two thirds of it. Otherwise the collector would run all the time to meet a limit that it
// cannot meet.
func adjustMemoryLimit() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() == metrics.KindUint64 {
		debug.SetMemoryLimit(max(memoryLimit, int64(live[0].Value.Uint64()/2*3))) //nolint:gosec // a size in memory
	}
}
