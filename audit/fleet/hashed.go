package fleet

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// salt is new for each run, so that what Hashed returns is worth nothing outside of it.
var salt = sync.OnceValue(func() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: the runtime ends the program where it would
	return b
})

// Hashed returns a key for something secret, good for comparing within this run and nothing else.
func Hashed(secret string) string {
	if secret == "" {
		return ""
	}
	h := sha256.New()
	h.Write(salt())
	h.Write([]byte(secret))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
