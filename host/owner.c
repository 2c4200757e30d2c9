#include "host/owner.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/scan.h"

enum {
	PROC_LINE_MAX = 512, /* a line of /proc/net/tcp has about 150 bytes */
	PROC_PATH_MAX = 600,
	COMMAND_MAX = 64, /* TASK_COMM_LEN is 16 */
};

static bool
is_column(unsigned char c)
{
	return !ascii_is_space(c);
}

static struct span
next_column(struct scan *s)
{
	scan_while(s, ascii_is_space);
	return scan_while(s, is_column);
}

/* Returns the name of the process; empty if the process does not exist or its
 * name cannot be read. */
static struct span
command_of(pid_t pid, char *memory, size_t size)
{
	char path[PROC_PATH_MAX];
	struct span name = { 0 };
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return name;
	if (fgets(memory, (int)size, f) != NULL)
		name = span_trim(span_str(memory));
	fclose(f);
	return name;
}

bool
owner_is_named(pid_t pid, const char *name)
{
	char memory[COMMAND_MAX];

	return pid > 0 &&
	    span_is(command_of(pid, memory, sizeof(memory)), name);
}

bool
owner_is_known(pid_t pid)
{
	char memory[COMMAND_MAX];

	return pid > 0 && command_of(pid, memory, sizeof(memory)).n > 0;
}

void
owner_put_process(struct buf *b, pid_t pid)
{
	char memory[COMMAND_MAX];
	struct span name = command_of(pid, memory, sizeof(memory));

	buf_printf(b, "process %ld", (long)pid);
	if (name.n == 0)
		return;
	buf_text(b, " (");
	buf_printable(b, name, sizeof(memory));
	buf_byte(b, ')');
}

/*
 * Writes the inode number of the socket that listens on `port` to `inode`,
 * which stays empty if there is no such socket.  Lines of the kernel's table
 * have the form "sl local:PORT remote:PORT st queues timer retransmits uid
 * timeout inode".
 */
static void
inode_of_port(const char *table, uint16_t port, struct buf *inode)
{
	char line[PROC_LINE_MAX], listening[8];
	FILE *f = fopen(table, "re");

	if (f == NULL)
		return;
	snprintf(listening, sizeof(listening), ":%04X", port);
	while (inode->n == 0 && fgets(line, sizeof(line), f) != NULL) {
		struct scan s = scan_of(span_str(line));
		struct span local, state, last = SPAN_NONE;

		next_column(&s);
		local = next_column(&s);
		next_column(&s);
		state = next_column(&s);
		for (int i = 0; i < 6; i++)
			last = next_column(&s);
		if (span_is(state, "0A") && span_ends_nocase(local, listening))
			buf_span(inode, last);
	}
	fclose(f);
}

/* Whether process `pid` has the socket `wanted` open. */
static bool
process_has_open(const char *pid, const char *wanted)
{
	char path[PROC_PATH_MAX], link[COMMAND_MAX];
	DIR *d;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	d = opendir(path);
	if (d == NULL)
		return false;
	for (struct dirent *e; !found && (e = readdir(d)) != NULL;) {
		ssize_t n;

		snprintf(
		    path, sizeof(path), "/proc/%.20s/fd/%s", pid, e->d_name);
		n = readlink(path, link, sizeof(link));
		found = n > 0 && span_is(span_of(link, (size_t)n), wanted);
	}
	closedir(d);
	return found;
}

pid_t
owner_of_port(uint16_t port)
{
	char text[24], wanted[COMMAND_MAX];
	struct buf inode = buf_wrap(text, sizeof(text));
	DIR *d;
	uint64_t pid = 0;

	inode_of_port("/proc/net/tcp", port, &inode);
	inode_of_port("/proc/net/tcp6", port, &inode);
	snprintf(wanted, sizeof(wanted), "socket:[%s]", text);
	d = inode.n > 0 ? opendir("/proc") : NULL;
	if (d == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(d)) != NULL; pid = 0) {
		struct scan s = scan_of(span_str(e->d_name));

		if (scan_number(&s, INT32_MAX, &pid) && scan_done(&s) &&
		    process_has_open(e->d_name, wanted))
			break;
	}
	closedir(d);
	return (pid_t)pid;
}
