/*
 * spool.h - the directory in which `avouch audit --wait` waits for a message,
 * and in which `avouch audit --receive`, run by the mail server, stores it.
 *
 * Each waiting process has an empty file, which is named after its token and
 * which it keeps locked.  Without such a file, no process awaits the token.
 * The message is written under another name and then replaces the file.  Files
 * that no process waits for are removed some time later.
 */
#ifndef AVOUCH_CLI_AUDIT_SPOOL_H
#define AVOUCH_CLI_AUDIT_SPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

#define SPOOL_DEFAULT "/var/lib/avouch/audit"

enum {
	SPOOL_TOKEN_BYTES = 16, /* 128 bits, so that no one can guess a token */
	SPOOL_TOKEN_MAX = 2 * SPOOL_TOKEN_BYTES + 1, /* in hex, with the NUL */
	SPOOL_WAITS_MAX = 20,         /* processes waiting at the same time */
	SPOOL_MESSAGE_MAX = 10 << 20, /* bytes */
	SPOOL_FACT_MAX = 1024,        /* bytes of a HELO name or sender */
	SPOOL_STALE_S = 600, /* age at which an unlocked file is removed */
};

/* The SMTP session in which the message arrived, according to the mail
 * server. */
struct spool_facts {
	const char *ip, *helo, *mail_from; /* NULL or "": unknown, except that
	                                      "" in mail_from is the null
	                                      sender */
};

/* Opens the directory and removes stale files.  Returns its descriptor, or -1
 * with errno set; errno is EPERM if other users can write to it. */
int spool_open(const char *path);

/* If the process runs as root, switches to the user who owns the directory,
 * because the process will read a message that anyone can send.  Returns false
 * with errno set on failure. */
bool spool_become_owner(int dir);

/* ---- waiting ---- */

struct spool_wait {
	int dir;
	int lock; /* file descriptor, locked while the message is awaited */
	char token[SPOOL_TOKEN_MAX];
};

/* Returns false with errno set on failure; errno is EBUSY if SPOOL_WAITS_MAX
 * other processes are waiting. */
bool spool_wait_begin(int dir, struct spool_wait *out);

/* Returns an open descriptor of the message's file, or -1 if the message has
 * not arrived. */
int spool_wait_take(const struct spool_wait *w);

void spool_wait_end(struct spool_wait *w);

/* Splits the file into the facts and the message.  Returns false if it is not a
 * spool file. */
bool spool_read(
    struct span file, struct spool_facts *facts, struct span *message);

/* ---- receiving ---- */

enum spool_step {
	SPOOL_DONE,
	SPOOL_NOT_AWAITED, /* not awaited, or already being received */
	SPOOL_ERROR,       /* errno is set */
};

/* Copies at most SPOOL_MESSAGE_MAX + 1 bytes from `input` to `fd`; reads and
 * discards the rest.  Returns false with errno set on failure. */
bool spool_copy(int fd, int input);

/* Reads and discards the rest of `input`, so that the mail server does not get
 * EPIPE. */
void spool_drain(int input);

/* Stores the message read from `input`.  A message larger than
 * SPOOL_MESSAGE_MAX is cut one byte after that limit. */
enum spool_step spool_receive(
    int dir, const char *token, const struct spool_facts *facts, int input);

#endif
