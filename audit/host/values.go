package host

import (
	"maps"
	"slices"
)

// Keys returns the names of all settings that are known, sorted.
func (c *QEMUConf) Keys() []string { return slices.Sorted(maps.Keys(settings)) }

// Value returns the effective value of a known setting, and whether the file sets it. It is a string, a bool,
// an int64 or a []string, always the same type for a key. For a password it is whether there is one; for
// max_core it is what MaxCore returns.
func (c *QEMUConf) Value(key string) (value any, set bool) {
	switch settings[key].kind {
	case text:
		s := c.String(key)
		return s.Value, s.Set
	case secret:
		s := c.String(key)
		return s.Value != "", s.Set
	case flag:
		s := c.Bool(key)
		return s.Value, s.Set
	case number:
		s := c.Int(key)
		return s.Value, s.Set
	case list, textOrList:
		s := c.List(key)
		return s.Value, s.Set
	default:
		s := c.MaxCore()
		return s.Value, s.Set
	}
}
