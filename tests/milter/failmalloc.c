/*
 * failmalloc.c - preloaded into avouch-milter by tests, to make allocations
 * fail.
 *
 * The file named by FAIL_CONTROL contains a struct failmalloc_control.  Every
 * `every`-th allocation fails (0: none), except for the first `spare` ones.
 * With a `seed`, allocations fail at random, one in `every`.  Normally only
 * allocations of the program itself fail.  If `wide` is set, those of its
 * libraries fail as well, with three exceptions: libc; libmilter, which ends a
 * session without a log line when memory runs out; and libldns, which does not
 * check its allocations.  Allocations that libcrypto makes through the
 * program's functions count as libcrypto's.
 */
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

struct failmalloc_control {
	_Atomic uint32_t every;
	_Atomic uint32_t spare;
	_Atomic uint32_t count; /* allocations since the test reset this */
	_Atomic uint32_t seed;
	_Atomic uint32_t wide;
};

enum { OBJECTS_MAX = 64 };

/* Ranges of code whose allocations can fail; the first is the program. */
static struct {
	uintptr_t from, to;
} objects[OBJECTS_MAX];
static size_t n_objects;
static size_t crypto = OBJECTS_MAX; /* index of libcrypto in `objects` */
static struct failmalloc_control *control;

static bool
is_meant(const char *name)
{
	static const char *const others[] = { "libmilter", "libldns", "libc.",
		"ld-linux", "failmalloc", "linux-vdso" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strstr(name, others[i]) != NULL)
			return false;
	return true;
}

static int
find_objects(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_X) == 0 ||
		    !is_meant(info->dlpi_name) || n_objects == OBJECTS_MAX)
			continue;
		if (strstr(info->dlpi_name, "libcrypto") != NULL)
			crypto = n_objects;
		objects[n_objects].from = from;
		objects[n_objects++].to = from + p->p_memsz;
	}
	return 0;
}

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("FAIL_CONTROL");
	void *frames[1];
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (fd < 0)
		return;
	dl_iterate_phdr(find_objects, NULL);
	backtrace(frames, 1); /* allocates memory when first called */
	map = mmap(
	    NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		control = map;
}

/* Hashes `n`, so that consecutive numbers give unrelated values. */
static uint32_t
mix(uint32_t n)
{
	n = (n ^ n >> 16) * 0x45d9f3bU;
	n = (n ^ n >> 16) * 0x45d9f3bU;
	return n ^ n >> 16;
}

static bool
is_in(const void *code, size_t object)
{
	uintptr_t at = (uintptr_t)code;

	return object < n_objects && at >= objects[object].from &&
	    at < objects[object].to;
}

static bool
is_for_crypto(void)
{
	enum { FRAMES = 6 };
	void *frames[FRAMES];
	int n = backtrace(frames, FRAMES);

	/* skip the frames of this file and one function of the program */
	for (int i = 0; i + 1 < n; i++)
		if (is_in(frames[i], 0))
			return is_in(frames[i + 1], crypto);
	return false;
}

static bool
is_caller(const void *caller, bool wide)
{
	if (!wide)
		return is_in(caller, 0) && !is_for_crypto();
	for (size_t i = 0; i < n_objects; i++)
		if (is_in(caller, i))
			return true;
	return false;
}

static bool
fails(const void *caller)
{
	uint32_t every = control != NULL ? atomic_load(&control->every) : 0;
	uint32_t n, seed;

	if (every == 0 || !is_caller(caller, atomic_load(&control->wide) != 0))
		return false;
	n = atomic_fetch_add(&control->count, 1);
	seed = atomic_load(&control->seed);
	if (n < atomic_load(&control->spare))
		return false;
	return (seed != 0 ? mix(n ^ seed) : n) % every == every - 1;
}

void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
						  : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
						  : __libc_realloc(old, size);
}
