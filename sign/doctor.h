/*
 * doctor.h - finds Postfix settings that break signatures or leave our own mail
 * unsigned, in the output of `postconf -nx` and `postconf -Mfx`.
 */
#ifndef AVOUCH_SIGN_DOCTOR_H
#define AVOUCH_SIGN_DOCTOR_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/span.h"

enum {
	DOCTOR_TEXT_MAX = 1 << 20, /* bytes of each input */
	DOCTOR_SERVICES_MAX = 256,
	DOCTOR_SETTINGS_MAX = 64, /* per service */
};

struct doctor_input {
	struct span main;   /* output of postconf -nx */
	struct span master; /* output of postconf -Mfx */
	const char *socket; /* address of our signer: sign.socket, or socket, as
	                       written in avouch.conf */
	bool needs_login;   /* it is socket, which only signs mail of clients
	                       that logged in */
	/* Returns the content of a file used as a lookup table; absent if it
	 * cannot be read. */
	struct span (*read)(void *arg, struct span path);
	/* Called for each finding.  `service` is absent for main.cf.  The
	 * strings are valid only during the call. */
	void (*found)(void *arg, struct span service, struct span setting,
	    struct span value, const char *text);
	void *arg;
};

/* Returns false if memory ran out. */
bool doctor_check(struct arena *a, const struct doctor_input *in);

#endif
