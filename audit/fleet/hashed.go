package fleet

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// salt is random for each run, so that the result of Hashed has no use outside the run.
var salt = sync.OnceValue(func() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: the runtime aborts the process instead
	return b
})

// Hashed returns a key for a secret. Keys can be compared only within one run.
func Hashed(secret string) string {
	if secret == "" {
		return ""
	}
	h := sha256.New()
	h.Write(salt())
	h.Write([]byte(secret))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
