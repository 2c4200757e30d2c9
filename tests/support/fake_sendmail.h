/*
 * fake_sendmail.h - a sendmail(8) for tests: a script that saves each message
 * it receives in a folder, and functions that read and parse those messages.
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
	char *bytes; /* the whole message */
	size_t size;
	char words[MAILBAG_TEXT_MAX]; /* the arguments, separated by spaces */
	char message_id[MAILBAG_TEXT_MAX];
	char subject[MAILBAG_TEXT_MAX]; /* unfolded */
	char to[MAILBAG_TEXT_MAX];
	char file_name[MAILBAG_TEXT_MAX];
	char *xml; /* the attachment, decompressed */
	size_t xml_size;
};

struct mailbag_mails {
	struct mailbag_mail mail[MAILBAG_MAX]; /* sorted by Message-ID */
	size_t n;
};

/* Creates the script in a new folder.  Fails the test if that is impossible. */
void mailbag_open(struct mailbag *b);

/* From now on the script exits with `status`; it still saves the messages. */
void mailbag_set_status(struct mailbag *b, int status);

/* Removes the folder with everything in it. */
void mailbag_close(struct mailbag *b);

/* Reads all saved messages.  Fails the test if one of them is incomplete. */
struct mailbag_mails *mailbag_read(const struct mailbag *b);
size_t mailbag_count(const struct mailbag *b); /* does not read them */
void mailbag_free(struct mailbag_mails *m);

/* Removes all saved messages. */
void mailbag_empty(struct mailbag *b);

/* Return how often `text` occurs in the XML of a message, and the sum of all
 * <count>s. */
size_t mailbag_occurs(const struct mailbag_mail *m, const char *text);
uint64_t mailbag_messages(const struct mailbag_mail *m);

#endif
