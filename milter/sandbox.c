#include "milter/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/span.h"
#include "lib/enum_names.h"
#include "milter/seccomp_arch.h"
#include "sign/key_state.h"

#define RESOLV_CONF "/etc/resolv.conf"

/* ---- system calls ---- */

/* Neither the daemon nor its libraries make these calls after startup. */
static const unsigned refused[] = {
	/* programs */
	__NR_execve, __NR_execveat,
	/* other processes */
	__NR_process_vm_readv, __NR_process_vm_writev, __NR_pidfd_getfd,
	__NR_kcmp,
	/* the daemon's sockets are already listening */
	__NR_listen,
	/* calls that expose more of the kernel to attackers */
	__NR_bpf, __NR_userfaultfd, __NR_perf_event_open, __NR_io_uring_setup,
	__NR_io_uring_enter, __NR_io_uring_register, __NR_keyctl, __NR_add_key,
	__NR_request_key, __NR_memfd_create, __NR_personality,
	__NR_name_to_handle_at, __NR_open_by_handle_at, __NR_fanotify_init,
	/* namespaces and mounts */
	__NR_unshare, __NR_setns, __NR_mount, __NR_umount2, __NR_pivot_root,
	__NR_chroot, __NR_open_tree, __NR_move_mount, __NR_fsopen,
	__NR_fsconfig, __NR_fsmount, __NR_fspick,
	/* administration of the machine */
	__NR_init_module, __NR_finit_module, __NR_delete_module,
	__NR_kexec_load, __NR_reboot, __NR_swapon, __NR_swapoff, __NR_acct,
	__NR_quotactl, __NR_settimeofday, __NR_clock_settime, __NR_adjtimex,
	__NR_clock_adjtime, __NR_sethostname, __NR_setdomainname
};

/* Calls that sanitizers and debuggers make.  Refused only with sandbox =
 * full. */
static const unsigned refused_fully[] = { __NR_ptrace, __NR_process_madvise };

/* Calls that are refused if all of these bits are set in their third argument,
 * so that writable memory is never executable. */
static const struct {
	unsigned call;
	unsigned bits;
} refused_memory[] = {
	{ PROCESSOR_MMAP, PROT_WRITE | PROT_EXEC },
	{ __NR_mprotect, PROT_EXEC },
	{ __NR_pkey_mprotect, PROT_EXEC },
	{ __NR_shmat, SHM_EXEC },
};

enum {
	X32_CALLS = 0x40000000, /* lowest system call number of the x32 ABI */
	FILTER_MAX = 8 + 2 * (ARRAY_SIZE(refused) + ARRAY_SIZE(refused_fully)) +
	    6 * ARRAY_SIZE(refused_memory),
};

#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define FIELD(member) ((unsigned)offsetof(struct seccomp_data, member))

struct filter {
	struct sock_filter steps[FILTER_MAX];
	unsigned short n;
};

static void
filter_add(
    struct filter *f, unsigned code, unsigned value, unsigned char skip_else)
{
	f->steps[f->n++] = (struct sock_filter)BPF_JUMP(
	    (unsigned short)code, value, 0, skip_else);
}

static void
filter_add_refused(struct filter *f, const unsigned *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		filter_add(f, BPF_JMP | BPF_JEQ | BPF_K, calls[i], 1);
		filter_add(f, BPF_RET | BPF_K, REFUSE, 0);
	}
}

static void
filter_add_refused_memory(struct filter *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_memory); i++) {
		unsigned bits = refused_memory[i].bits;

		filter_add(
		    f, BPF_JMP | BPF_JEQ | BPF_K, refused_memory[i].call, 5);
		filter_add(f, BPF_LD | BPF_W | BPF_ABS, FIELD(args[2]), 0);
		filter_add(f, BPF_ALU | BPF_AND | BPF_K, bits, 0);
		filter_add(f, BPF_JMP | BPF_JEQ | BPF_K, bits, 1);
		filter_add(f, BPF_RET | BPF_K, REFUSE, 0);
		filter_add(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
	}
}

static bool
restrict_calls(bool fully)
{
	struct filter f = { .n = 0 };
	struct sock_fprog program = { .filter = f.steps };

	if (PROCESSOR == 0) {
		errno = ENOSYS;
		return false;
	}
	filter_add(&f, BPF_LD | BPF_W | BPF_ABS, FIELD(arch), 0);
	filter_add(&f, BPF_JMP | BPF_JEQ | BPF_K, PROCESSOR, 2);
	filter_add(&f, BPF_LD | BPF_W | BPF_ABS, FIELD(nr), 0);
	filter_add(&f, BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 1);
	filter_add(&f, BPF_RET | BPF_K, REFUSE, 0);
	filter_add_refused(&f, refused, ARRAY_SIZE(refused));
	if (fully) {
		filter_add_refused(
		    &f, refused_fully, ARRAY_SIZE(refused_fully));
		filter_add_refused_memory(&f);
	}
	filter_add(&f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
	program.len = f.n;
	/* Linux before 4.14 cannot log refused calls. */
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
		   SECCOMP_FILTER_FLAG_LOG, &program) == 0 ||
	    syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

/* ---- files ---- */

enum {
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	REMOVE = LANDLOCK_ACCESS_FS_REMOVE_FILE,
	TRUNCATE = 1 << 14, /* since Linux 6.2; older headers lack it */
	READ_WRITE = READ | REMOVE | TRUNCATE | LANDLOCK_ACCESS_FS_WRITE_FILE |
	    LANDLOCK_ACCESS_FS_MAKE_REG,
	OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE |
	    LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE,
	ALL_FIRST = (1 << 13) - 1, /* all rights of Landlock version 1 */
	REFER = 1 << 13,           /* since version 2 */
	PLACE_MAX = 4096,
};

struct landlock_rules {
	int fd;
	unsigned
	    handled; /* rights that are refused unless a rule grants them */
	struct buf *missing; /* paths that could not be allowed, for the log */
};

/* Allows `rights` for `path` and everything below it.  Returns false on error,
 * such as a path that does not exist; errno says why. */
static bool
landlock_allow(
    const struct landlock_rules *f, const char *path, unsigned rights)
{
	struct landlock_path_beneath_attr rule = { 0 };
	struct stat st;
	bool ok;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return false;
	ok = fstat(rule.parent_fd, &st) == 0;
	if (ok && !S_ISDIR(st.st_mode))
		rights &= OF_FILES;
	rule.allowed_access = rights & f->handled;
	ok = ok &&
	    syscall(__NR_landlock_add_rule, f->fd, LANDLOCK_RULE_PATH_BENEATH,
		&rule, 0) == 0;
	close(rule.parent_fd);
	return ok;
}

static bool
directory_of(const char *file, struct buf *out)
{
	size_t slash = span_rindex(span_str(file), '/');

	if (slash == SIZE_MAX)
		return false;
	buf_span(out, span_first(span_str(file), slash > 0 ? slash : 1));
	return !out->full;
}

/* Allows `rights` for the directory of `file`, because `file` may be replaced
 * by a new file.  The directory must exist.  Does nothing if `file` is NULL. */
static void
landlock_allow_directory(
    const struct landlock_rules *f, const char *file, unsigned rights)
{
	char memory[PLACE_MAX];
	struct buf directory = buf_wrap(memory, sizeof(memory));
	int code;

	if (file == NULL ||
	    (directory_of(file, &directory) &&
		landlock_allow(f, memory, rights)))
		return;
	code = errno;
	if (f->missing->n > 0)
		buf_text(f->missing, "; ");
	buf_printf(f->missing, "files in %s cannot be used: %s", memory,
	    strerror(code));
}

/* Returns the path after "unix:" or "local:", or NULL if `socket` is not a unix
 * socket. */
static const char *
socket_path(const char *socket)
{
	const char *colon = socket != NULL ? strchr(socket, ':') : NULL;

	return colon != NULL && colon[1] == '/' ? colon + 1 : NULL;
}

/* Lets the daemon read keys and write only their state.  Keys may be links to
 * credentials that systemd has decrypted. */
static void
landlock_allow_keys(const struct landlock_rules *f, const char *folder)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char memory[PLACE_MAX];
	struct buf state = buf_wrap(memory, sizeof(memory));

	if (folder == NULL)
		return;
	buf_printf(&state, "%s/" KEY_STATE_FOLDER, folder);
	(void)landlock_allow(f, folder, READ);
	if (credentials != NULL)
		(void)landlock_allow(f, credentials, READ);
	if (!state.full)
		(void)landlock_allow(f, memory, READ_WRITE);
}

static void
landlock_allow_paths(
    const struct landlock_rules *f, const struct conf *conf, const char *path)
{
	static const char *const system[] = { "/etc", "/usr", "/lib", "/lib64",
		"/dev/urandom", "/sys/devices/system/cpu" };
	char *resolv_conf = realpath(RESOLV_CONF, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		(void)landlock_allow(f, system[i], READ);
	(void)landlock_allow(f, "/dev/null", OF_FILES);
	landlock_allow_directory(f, path, READ);
	landlock_allow_directory(f, resolv_conf, READ);
	landlock_allow_directory(f, conf->zone, READ);
	landlock_allow_directory(f, conf_store_file(conf), READ_WRITE);
	landlock_allow_directory(f, socket_path(conf->socket), REMOVE);
	landlock_allow_directory(f, socket_path(conf->sign.socket), REMOVE);
	landlock_allow_directory(f, conf->sign.senders, READ);
	landlock_allow_keys(f, conf->sign.keys);
	landlock_allow_directory(f, socket_path(conf->metrics.listen), REMOVE);
	free(resolv_conf);
}

/* Makes SQLite write its temporary files, which large sorts need, beside the
 * store: the default, /var/tmp, cannot be used in the sandbox. */
static void
set_sqlite_tmpdir(const char *store)
{
	char memory[PLACE_MAX];
	struct buf directory = buf_wrap(memory, sizeof(memory));

	if (store != NULL && directory_of(store, &directory))
		(void)setenv("SQLITE_TMPDIR", memory, 1);
}

static bool
restrict_files(const struct conf *conf, const char *path, struct buf *missing)
{
	long version = syscall(__NR_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_rules f = {
		.handled = ALL_FIRST | (version >= 2 ? REFER : 0) |
		    (version >= 3 ? TRUNCATE : 0),
		.missing = missing,
	};
	struct landlock_ruleset_attr rights = { .handled_access_fs =
						    f.handled };
	bool ok;

	if (version < 1)
		return false;
	f.fd = (int)syscall(
	    __NR_landlock_create_ruleset, &rights, sizeof(rights), 0);
	if (f.fd < 0)
		return false;
	landlock_allow_paths(&f, conf, path);
	ok = syscall(__NR_landlock_restrict_self, f.fd, 0) == 0;
	close(f.fd);
	if (ok)
		set_sqlite_tmpdir(conf_store_file(conf));
	return ok;
}

static void
add_missing(struct buf *missing, const char *what)
{
	int code = errno;

	if (missing->n > 0)
		buf_text(missing, "; ");
	buf_printf(
	    missing, "the kernel cannot restrict %s: %s", what, strerror(code));
}

enum conf_sandbox
sandbox_enter(const struct conf *conf, const char *path, struct buf *missing)
{
	bool fully = conf->sandbox == CONF_SANDBOX_FULL,
	     files_restricted = false;

	if (conf->sandbox == CONF_SANDBOX_OFF)
		return CONF_SANDBOX_OFF;
	/* Required by Landlock and seccomp: no program can gain new
	 * privileges. */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (fully) {
		files_restricted = restrict_files(conf, path, missing);
		if (!files_restricted)
			add_missing(missing, "files (Landlock)");
	}
	if (!restrict_calls(fully)) {
		add_missing(missing, "system calls (seccomp)");
		return CONF_SANDBOX_OFF;
	}
	return files_restricted ? CONF_SANDBOX_FULL : CONF_SANDBOX_BASIC;
}
