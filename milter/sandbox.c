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

#define RESOLV_CONF "/etc/resolv.conf"

/* ---- system calls ---- */

/* Nothing here is called by the daemon, or a library of its, once it runs. */
static const unsigned refused[] = {
	/* programs */
	__NR_execve, __NR_execveat,
	/* other processes */
	__NR_process_vm_readv, __NR_process_vm_writev, __NR_pidfd_getfd,
	__NR_kcmp,
	/* further doors: those that there are listen already */
	__NR_listen,
	/* what makes the kernel a larger target */
	__NR_bpf, __NR_userfaultfd, __NR_perf_event_open, __NR_io_uring_setup,
	__NR_io_uring_enter, __NR_io_uring_register, __NR_keyctl, __NR_add_key,
	__NR_request_key, __NR_memfd_create, __NR_personality,
	__NR_name_to_handle_at, __NR_open_by_handle_at, __NR_fanotify_init,
	/* namespaces and mounts */
	__NR_unshare, __NR_setns, __NR_mount, __NR_umount2, __NR_pivot_root,
	__NR_chroot, __NR_open_tree, __NR_move_mount, __NR_fsopen,
	__NR_fsconfig, __NR_fsmount, __NR_fspick,
	/* the machine's */
	__NR_init_module, __NR_finit_module, __NR_delete_module,
	__NR_kexec_load, __NR_reboot, __NR_swapon, __NR_swapoff, __NR_acct,
	__NR_quotactl, __NR_settimeofday, __NR_clock_settime, __NR_adjtimex,
	__NR_clock_adjtime, __NR_sethostname, __NR_setdomainname
};

/* Those that debuggers and sanitizers use on themselves. */
static const unsigned refused_fully[] = { __NR_ptrace, __NR_process_madvise };

/* Memory that is written to is never run: the bits that their third argument
 * must not have together. */
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
	X32_CALLS = 0x40000000, /* x86-64's other way to call the same */
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
add(struct filter *f, unsigned code, unsigned value, unsigned char skip_else)
{
	f->steps[f->n++] = (struct sock_filter)BPF_JUMP(
	    (unsigned short)code, value, 0, skip_else);
}

static void
add_refused(struct filter *f, const unsigned *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add(f, BPF_JMP | BPF_JEQ | BPF_K, calls[i], 1);
		add(f, BPF_RET | BPF_K, REFUSE, 0);
	}
}

static void
add_refused_memory(struct filter *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_memory); i++) {
		unsigned bits = refused_memory[i].bits;

		add(f, BPF_JMP | BPF_JEQ | BPF_K, refused_memory[i].call, 5);
		add(f, BPF_LD | BPF_W | BPF_ABS, FIELD(args[2]), 0);
		add(f, BPF_ALU | BPF_AND | BPF_K, bits, 0);
		add(f, BPF_JMP | BPF_JEQ | BPF_K, bits, 1);
		add(f, BPF_RET | BPF_K, REFUSE, 0);
		add(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
	}
}

static bool
filter_calls(bool fully)
{
	struct filter f = { .n = 0 };
	struct sock_fprog program = { .filter = f.steps };

	if (PROCESSOR == 0) {
		errno = ENOSYS;
		return false;
	}
	add(&f, BPF_LD | BPF_W | BPF_ABS, FIELD(arch), 0);
	add(&f, BPF_JMP | BPF_JEQ | BPF_K, PROCESSOR, 2);
	add(&f, BPF_LD | BPF_W | BPF_ABS, FIELD(nr), 0);
	add(&f, BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 1);
	add(&f, BPF_RET | BPF_K, REFUSE, 0);
	add_refused(&f, refused, ARRAY_SIZE(refused));
	if (fully) {
		add_refused(&f, refused_fully, ARRAY_SIZE(refused_fully));
		add_refused_memory(&f);
	}
	add(&f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
	program.len = f.n;
	/* Linux before 4.14 does not note what is refused. */
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
		   SECCOMP_FILTER_FLAG_LOG, &program) == 0 ||
	    syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

/* ---- files ---- */

enum {
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	REMOVE = LANDLOCK_ACCESS_FS_REMOVE_FILE,
	TRUNCATE = 1 << 14, /* since Linux 6.2; older headers lack it */
	KEEP = READ | REMOVE | TRUNCATE | LANDLOCK_ACCESS_FS_WRITE_FILE |
	    LANDLOCK_ACCESS_FS_MAKE_REG,
	OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE |
	    LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE,
	ALL_FIRST = (1 << 13) - 1, /* what the first Landlock could refuse */
	REFER = 1 << 13,           /* the second */
	PLACE_MAX = 4096,
};

struct fence {
	int fd;
	unsigned handled; /* rights that are refused where no rule gives them */
	struct buf *missing;
};

/* Gives `rights` at and below `path`; what is not there is not missed. */
static bool
allow(const struct fence *f, const char *path, unsigned rights)
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

/* The same for the directory that `file` is in, which has to be there: files
 * are replaced by new ones.  NULL: there is no such file. */
static void
allow_around(const struct fence *f, const char *file, unsigned rights)
{
	char memory[PLACE_MAX];
	struct buf directory = buf_wrap(memory, sizeof(memory));
	int code;

	if (file == NULL ||
	    (directory_of(file, &directory) && allow(f, memory, rights)))
		return;
	code = errno;
	if (f->missing->n > 0)
		buf_text(f->missing, "; ");
	buf_printf(f->missing, "what is or will be in %s cannot be used: %s",
	    memory, strerror(code));
}

/* Behind "unix:" or "local:". */
static const char *
socket_path(const char *socket)
{
	const char *colon = socket != NULL ? strchr(socket, ':') : NULL;

	return colon != NULL && colon[1] == '/' ? colon + 1 : NULL;
}

static void
allow_places(const struct fence *f, const struct conf *conf, const char *path)
{
	static const char *const system[] = { "/etc", "/usr", "/lib", "/lib64",
		"/dev/urandom", "/sys/devices/system/cpu" };
	char *resolv_conf = realpath(RESOLV_CONF, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		(void)allow(f, system[i], READ);
	(void)allow(f, "/dev/null", OF_FILES);
	allow_around(f, path, READ);
	allow_around(f, resolv_conf, READ);
	allow_around(f, conf->zone, READ);
	allow_around(f, conf_store_file(conf), KEEP);
	allow_around(f, conf->pid_file, REMOVE);
	allow_around(f, socket_path(conf->socket), REMOVE);
	allow_around(f, socket_path(conf->metrics.listen), REMOVE);
	free(resolv_conf);
}

/* SQLite's large sorts: else they are in /var/tmp. */
static void
keep_temporary_beside(const char *store)
{
	char memory[PLACE_MAX];
	struct buf directory = buf_wrap(memory, sizeof(memory));

	if (store != NULL && directory_of(store, &directory))
		(void)setenv("SQLITE_TMPDIR", memory, 1);
}

static bool
fence_files(const struct conf *conf, const char *path, struct buf *missing)
{
	long version = syscall(__NR_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct fence f = {
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
	allow_places(&f, conf, path);
	ok = syscall(__NR_landlock_restrict_self, f.fd, 0) == 0;
	close(f.fd);
	if (ok)
		keep_temporary_beside(conf_store_file(conf));
	return ok;
}

static void
lacks(struct buf *missing, const char *what)
{
	int code = errno;

	if (missing->n > 0)
		buf_text(missing, "; ");
	buf_printf(missing, "the kernel does not let us confine %s: %s", what,
	    strerror(code));
}

enum conf_sandbox
confine(const struct conf *conf, const char *path, struct buf *missing)
{
	bool fully = conf->sandbox == CONF_SANDBOX_FULL, fenced = false;

	if (conf->sandbox == CONF_SANDBOX_OFF)
		return CONF_SANDBOX_OFF;
	/* No program gives new rights, and without this neither of the two
	 * below may be asked for. */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (fully) {
		fenced = fence_files(conf, path, missing);
		if (!fenced)
			lacks(missing, "files (Landlock)");
	}
	if (!filter_calls(fully)) {
		lacks(missing, "system calls (seccomp)");
		return CONF_SANDBOX_OFF;
	}
	return fenced ? CONF_SANDBOX_FULL : CONF_SANDBOX_BASIC;
}
