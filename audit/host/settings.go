package host

// kind is the type of a setting.
type kind int

const (
	text       kind = iota
	secret          // a string that must not be shown
	flag            // 0 or 1
	number          // an integer
	list            // of texts
	textOrList      // a string is a list of one
	size            // an integer, or "unlimited"
)

// known is one setting of qemu.conf and its default in libvirt.
type known struct {
	kind   kind
	text   string
	number int64
	list   []string

	session any // the default of an unprivileged daemon, if it differs
}

// settings are those of libvirt 12 (src/qemu/qemu.conf.in) that libvirt itself checks, with the defaults that virQEMUDriverConfigNew
// sets. Where a default is chosen when libvirt is built, or found out when it starts, it is empty.
// Keys that are not here are ignored, as libvirt does.
var settings = map[string]known{
	"default_tls_x509_cert_dir":    {text: "/etc/pki/qemu"},
	"default_tls_x509_verify":      {kind: flag},
	"default_tls_x509_secret_uuid": {},
	"default_tls_priority":         {},

	"vnc_listen":               {text: "127.0.0.1"},
	"vnc_auto_unix_socket":     {kind: flag},
	"vnc_tls":                  {kind: flag},
	"vnc_tls_x509_cert_dir":    {},
	"vnc_tls_x509_verify":      {kind: flag},
	"vnc_tls_x509_secret_uuid": {},
	"vnc_tls_priority":         {},
	"vnc_password":             {kind: secret},
	"vnc_sasl":                 {kind: flag},
	"vnc_sasl_dir":             {},
	"vnc_allow_host_audio":     {kind: flag},

	"spice_listen":            {text: "127.0.0.1"},
	"spice_tls":               {kind: flag},
	"spice_tls_x509_cert_dir": {},
	"spice_auto_unix_socket":  {kind: flag},
	"spice_password":          {kind: secret},
	"spice_sasl":              {kind: flag},
	"spice_sasl_dir":          {},

	"rdp_listen":            {text: "127.0.0.1"},
	"rdp_tls_x509_cert_dir": {},
	"rdp_username":          {},
	"rdp_password":          {kind: secret},

	"chardev_tls":                  {kind: flag},
	"chardev_tls_x509_cert_dir":    {},
	"chardev_tls_x509_verify":      {kind: flag, number: 1},
	"chardev_tls_x509_secret_uuid": {},
	"chardev_tls_priority":         {},

	"nbd_tls":                  {kind: flag},
	"nbd_tls_x509_cert_dir":    {},
	"nbd_tls_x509_secret_uuid": {},
	"nbd_tls_priority":         {},

	"migrate_tls_x509_cert_dir":    {},
	"migrate_tls_x509_verify":      {kind: flag, number: 1},
	"migrate_tls_x509_secret_uuid": {},
	"migrate_tls_priority":         {},
	"migrate_tls_force":            {kind: flag},

	"backup_tls_x509_cert_dir":    {},
	"backup_tls_x509_verify":      {kind: flag, number: 1},
	"backup_tls_x509_secret_uuid": {},
	"backup_tls_priority":         {},

	"nographics_allow_host_audio": {kind: flag},
	"remote_display_port_min":     {kind: number, number: 5900},
	"remote_display_port_max":     {kind: number, number: 65535},
	"remote_websocket_port_min":   {kind: number, number: 5700},
	"remote_websocket_port_max":   {kind: number, number: 65535},

	"security_driver":           {kind: textOrList},
	"security_default_confined": {kind: flag, number: 1},
	"security_require_confined": {kind: flag},
	"user":                      {},
	"group":                     {},
	"dynamic_ownership":         {kind: flag, number: 1, session: int64(0)},
	"remember_owner":            {kind: flag, number: 1},
	"cgroup_controllers":        {kind: list, list: []string{"cpu", "devices", "memory", "blkio", "cpuset", "cpuacct"}},
	"cgroup_device_acl": {kind: list, list: []string{
		"/dev/null", "/dev/full", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/kvm", "/dev/userfaultfd",
	}},
	"seccomp_sandbox": {kind: number, number: 1},
	"namespaces":      {kind: list, list: []string{"mount"}, session: []string{}},

	"save_image_format":       {text: "raw"},
	"dump_image_format":       {text: "raw"},
	"snapshot_image_format":   {text: "raw"},
	"auto_dump_path":          {text: "/var/lib/libvirt/qemu/dump", session: ""},
	"auto_dump_bypass_cache":  {kind: flag},
	"auto_start_bypass_cache": {kind: flag},
	"auto_start_delay":        {kind: number},
	"max_core":                {kind: size},
	"dump_guest_core":         {kind: flag},

	"hugetlbfs_mount":    {kind: textOrList},
	"memory_backing_dir": {text: "/var/lib/libvirt/qemu/ram", session: ""},
	"bridge_helper":      {text: "qemu-bridge-helper"},
	"pr_helper":          {text: "qemu-pr-helper"},
	"slirp_helper":       {text: "/usr/bin/slirp-helper"},
	"dbus_daemon":        {text: "dbus-daemon"},
	"qemu_rdp":           {text: "qemu-rdp"},

	"set_process_name":        {kind: flag},
	"max_processes":           {kind: number},
	"max_files":               {kind: number},
	"max_threads_per_process": {kind: number},

	"mac_filter":         {kind: flag},
	"relaxed_acs_check":  {kind: flag},
	"lock_manager":       {},
	"max_queued":         {kind: number},
	"keepalive_interval": {kind: number, number: 5},
	"keepalive_count":    {kind: number, number: 5},

	"migration_address":  {text: "0.0.0.0"},
	"migration_host":     {},
	"migration_port_min": {kind: number, number: 49152},
	"migration_port_max": {kind: number, number: 49215},

	"log_timestamp":       {kind: flag, number: 1},
	"nvram":               {kind: list},
	"stdio_handler":       {text: "logd"},
	"gluster_debug_level": {kind: number, number: 4},
	"virtiofsd_debug":     {kind: flag},
	"swtpm_user":          {text: "tss", session: ""},
	"swtpm_group":         {text: "tss", session: ""},

	"capability_filters":   {kind: list},
	"deprecation_behavior": {text: "none"},
	"sched_core":           {text: "none"},
	"storage_use_nbdkit":   {kind: flag},
	"shared_filesystems":   {kind: list},

	"default_cpu_deprecated_features": {text: "off"},
}
