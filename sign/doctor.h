/*
 * doctor.h - settings of Postfix that break signatures, or let mail of our own
 * leave unsigned: found in what `postconf -n` and `postconf -Mf` print.
 */
#ifndef AVOUCH_SIGN_DOCTOR_H
#define AVOUCH_SIGN_DOCTOR_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/span.h"

enum {
	DOCTOR_TEXT_MAX = 1 << 20, /* bytes of each of both */
	DOCTOR_SERVICES_MAX = 256,
	DOCTOR_SETTINGS_MAX = 64, /* of a service */
};

struct doctor_input {
	struct span main;   /* postconf -n */
	struct span master; /* postconf -Mf */
	const char *socket; /* where our signer listens: sign.socket, or socket,
	                       as avouch.conf has it */
	/* The text of a file that a lookup table is read from; absent: it
	 * cannot be read. */
	struct span (*read)(void *arg, struct span path);
	/* `service` is absent for main.cf.  The texts last for the call. */
	void (*found)(void *arg, struct span service, struct span setting,
	    struct span value, const char *text);
	void *arg;
};

/* False: no memory. */
bool doctor_check(struct arena *a, const struct doctor_input *in);

#endif
