package pipeline

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// memoryLimit is the size in bytes that the process may grow to before the collector runs more often:
// memory is then about the same for a hundred guests and for ten thousand.
const memoryLimit = 96 << 20

// documentsPerCheck is after how many documents the memory limit is adjusted.
const documentsPerCheck = 256

// gcPercent lets the heap grow to five times what is alive: documents are small and short-lived, and the
// collector would otherwise run all the time, and take the second CPU from a run on one.
const gcPercent = 400

// LimitProcess prepares the process for a run over many documents: it sets how often the collector runs,
// and limits the whole process, the collector included, to as many CPUs as there are jobs. restore lifts
// the limit on CPUs.
func LimitProcess(jobs int) (restore func()) {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	before := runtime.GOMAXPROCS(min(jobs, runtime.GOMAXPROCS(0)))
	return func() { runtime.GOMAXPROCS(before) }
}

// adjustMemoryLimit raises the limit where what lives long, the index and the findings, is more than two
// thirds of it: the collector would run all the time, to keep a size that cannot be kept.
func adjustMemoryLimit() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() == metrics.KindUint64 {
		debug.SetMemoryLimit(max(memoryLimit, int64(live[0].Value.Uint64()/2*3))) //nolint:gosec // a size in memory
	}
}
