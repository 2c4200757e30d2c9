/*
 * spool.h - the directory in which `avouch audit --wait` waits for a message,
 * and where `avouch audit --receive`, run by the mail server, puts it.
 *
 * Each wait has one file, whose name is its token.  It is empty and locked by
 * the process that waits; a token without such a file is not awaited.  The
 * message arrives under another name and then takes the place of the file.
 * Files that nobody waits for are removed some time later.
 */
#ifndef AVOUCH_CLI_AUDIT_SPOOL_H
#define AVOUCH_CLI_AUDIT_SPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

#define SPOOL_DEFAULT "/var/lib/avouch/audit"

enum {
	SPOOL_TOKEN_BYTES = 16, /* 128 bits, so that nobody guesses one */
	SPOOL_TOKEN_MAX = 2 * SPOOL_TOKEN_BYTES + 1, /* in hex, with the NUL */
	SPOOL_WAITS_MAX = 20,                        /* at the same time */
	SPOOL_MESSAGE_MAX = 10 << 20,                /* bytes */
	SPOOL_FACT_MAX = 1024, /* bytes kept of a HELO name or sender */
	SPOOL_STALE_S = 600,   /* age at which a file is removed if nobody
	                          waits for it */
};

/* The SMTP session by which the message came, as the mail server knows it. */
struct spool_facts {
	const char *ip, *helo, *mail_from; /* "" or NULL: not known; for
	                                      mail_from the null sender */
};

/* Opens the directory and removes stale files.  Returns its descriptor, or -1
 * with errno set; EPERM if others can write to it. */
int spool_open(const char *path);

/* If this process is root, it becomes the owner of the directory: it then reads
 * a message that anyone can send.  False: errno is set. */
bool spool_become_owner(int dir);

/* ---- the side that waits ---- */

struct spool_wait {
	int dir;
	int lock; /* held as long as the message is awaited */
	char token[SPOOL_TOKEN_MAX];
};

/* False: errno is set; EBUSY if SPOOL_WAITS_MAX others wait. */
bool spool_wait_begin(int dir, struct spool_wait *out);

/* The open file of the message, or -1: it has not arrived. */
int spool_wait_take(const struct spool_wait *w);

void spool_wait_end(struct spool_wait *w);

/* Splits the file into the facts and the message.  False: not such a file. */
bool spool_read(
    struct span file, struct spool_facts *facts, struct span *message);

/* ---- the side that receives ---- */

enum spool_step {
	SPOOL_DONE,
	SPOOL_NOT_AWAITED, /* or another message for it is being received */
	SPOOL_ERROR,       /* errno is set */
};

/* Copies `input`, of at most SPOOL_MESSAGE_MAX bytes and one more; reads and
 * drops the rest.  False: errno is set. */
bool spool_copy(int fd, int input);

/* Reads and drops the rest, so that the mail server does not get a broken pipe.
 */
void spool_drain(int input);

/* Stores what is read from `input`; a message that is larger than
 * SPOOL_MESSAGE_MAX is cut one byte after that. */
enum spool_step spool_receive(
    int dir, const char *token, const struct spool_facts *facts, int input);

#endif
