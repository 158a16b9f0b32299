package domxml

// longTag is the length, in bytes, from which the attributes of a start tag are looked up in a map.
// Rules read many attributes, and a repeated container is compared attribute by attribute.
const longTag = 2048

// attributesOf returns the attributes of a node's start tag. It caches them.
func (x *index) attributesOf(at int32) map[string]attribute {
	if m, ok := x.longTags[at]; ok {
		return m
	}
	m := map[string]attribute{}
	n := &x.nodes[at]
	tag := x.src[n.start:n.tagEnd]
	for i := afterName(tag); ; {
		raw, value, start, end, ok := nextAttribute(tag, i)
		if !ok {
			break
		}
		if _, twice := m[string(raw)]; !twice {
			name := string(raw)
			m[name] = attribute{name, value, int(n.start) + start, int(n.start) + end}
		}
		i = end
	}
	if x.longTags == nil {
		x.longTags = map[int32]map[string]attribute{}
	}
	x.longTags[at] = m
	return m
}

// attribute finds an attribute of a node's start tag by its local name.
func (x *index) attribute(at int32, name string) (attribute, bool) {
	n := &x.nodes[at]
	tag := x.src[n.start:n.tagEnd]
	if len(tag) > longTag {
		a, ok := x.attributesOf(at)[name]
		return a, ok
	}
	for i := afterName(tag); ; {
		raw, value, start, end, ok := nextAttribute(tag, i)
		if !ok {
			return attribute{}, false
		}
		if string(raw) == name {
			return attribute{name, value, int(n.start) + start, int(n.start) + end}, true
		}
		i = end
	}
}
