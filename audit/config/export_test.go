package config

import "github.com/virt-audit/virt-audit/audit/files"

// Keys are the keys that the reader knows, by where they stand in the schema.
var Keys = map[string][]string{
	"": topKeys, "waivers": waiverKeys, "domain-waivers": domainWaiverKeys, "allow": allowKeys, "rules": ruleKeys,
}

// Whom a configuration is taken from.
var (
	Stranger     = stranger
	PrivateGroup = files.PrivateGroup
)
