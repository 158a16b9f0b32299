package audit

import "github.com/virt-audit/virt-audit/audit/domxml"

const (
	MaxSize         = domxml.MaxSize
	MaxDepth        = domxml.MaxDepth
	WaiverNamespace = domxml.WaiverNamespace
)

type (
	Part  = domxml.Part
	Start = domxml.Start
)

var (
	Load       = domxml.Load
	LoadAll    = domxml.LoadAll
	LoadPart   = domxml.LoadPart
	Split      = domxml.Split
	WaiverText = domxml.WaiverText
	ParseDay   = domxml.ParseDay
	Shown      = domxml.Shown
	Repeats    = domxml.Repeats
)
