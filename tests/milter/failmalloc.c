/*
 * failmalloc.c - preloaded into avouch-milter by proto.py: memory runs out when
 * the test says so.
 *
 * The file named by FAIL_CONTROL holds two numbers: every `every`-th allocation
 * fails (0: none), but for the first `spare`; both are read again whenever
 * `every` changes.  Only what the program itself asks for fails, not what its
 * libraries do: libmilter ends a session without memory, which tells nothing.
 */
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

struct control {
	_Atomic uint32_t every;
	_Atomic uint32_t spare;
	_Atomic uint32_t count; /* allocations since the test wrote here */
};

static struct control *control;
static uintptr_t program_from, program_to;

/* The first object is the program. */
static int
find_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_X) == 0)
			continue;
		program_from = from;
		program_to = from + p->p_memsz;
	}
	return 1;
}

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("FAIL_CONTROL");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (fd < 0)
		return;
	dl_iterate_phdr(find_program, NULL);
	map = mmap(
	    NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		control = map;
}

static bool
fails(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;
	uint32_t every, n;

	if (control == NULL || at < program_from || at >= program_to)
		return false;
	every = atomic_load(&control->every);
	if (every == 0)
		return false;
	n = atomic_fetch_add(&control->count, 1);
	return n >= atomic_load(&control->spare) && n % every == every - 1;
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
