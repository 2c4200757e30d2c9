/*
 * fake_sendmail.h - a sendmail(8) for tests: a script that keeps what it is
 * given in a folder, and what was kept, taken apart.
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAKE_SENDMAIL_H
#define AVOUCH_TESTS_SUPPORT_FAKE_SENDMAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum { MAILBAG_MAX = 5000, MAILBAG_PATH_MAX = 200, MAILBAG_TEXT_MAX = 1000 };

struct mailbag {
	char folder[MAILBAG_PATH_MAX];
	char program[MAILBAG_PATH_MAX];
};

struct mailbag_mail {
	char *bytes; /* the whole mail */
	size_t size;
	char words[MAILBAG_TEXT_MAX]; /* the arguments, by spaces */
	char message_id[MAILBAG_TEXT_MAX];
	char subject[MAILBAG_TEXT_MAX]; /* unfolded */
	char to[MAILBAG_TEXT_MAX];
	char file_name[MAILBAG_TEXT_MAX];
	char *xml; /* the attachment, decompressed */
	size_t xml_size;
};

struct mailbag_mails {
	struct mailbag_mail mail[MAILBAG_MAX]; /* by Message-ID */
	size_t n;
};

/* In a new folder; fails the test where it can't. */
void mailbag_open(struct mailbag *b);

/* From now on the script ends so; it keeps the mail all the same. */
void mailbag_set_status(struct mailbag *b, int status);

/* Removes the folder with all that is in it. */
void mailbag_close(struct mailbag *b);

/* All that is there; mails that are not whole fail the test. */
struct mailbag_mails *mailbag_read(const struct mailbag *b);
size_t mailbag_count(const struct mailbag *b); /* without reading them */
void mailbag_free(struct mailbag_mails *m);

/* Takes all mails away. */
void mailbag_empty(struct mailbag *b);

/* How often `text` is in the XML of a mail; the sum of all <count>s. */
size_t mailbag_occurs(const struct mailbag_mail *m, const char *text);
uint64_t mailbag_messages(const struct mailbag_mail *m);

#endif
