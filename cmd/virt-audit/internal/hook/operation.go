package hook

// The operations at which a guest can still be refused.
const (
	opPrepare = "prepare"
	opRestore = "restore"
	opMigrate = "migrate"
)

// refusable reports whether a guest can be refused at an operation of libvirt's. Operations that
// libvirt may add later are not among them.
func refusable(operation string) bool {
	return operation == opPrepare || operation == opRestore || operation == opMigrate
}

var mayNot = map[string]string{
	opPrepare: "may not start",
	opRestore: "may not be restored",
	opMigrate: "may not migrate to this host",
}
