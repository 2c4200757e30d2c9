/*
 * loose.h - libmilter's functions take char * for texts they only read.
 */
#ifndef AVOUCH_MILTER_LOOSE_H
#define AVOUCH_MILTER_LOOSE_H

static inline char *
loose(const char *text)
{
	union {
		const char *in;
		char *out;
	} u = { .in = text };

	return u.out;
}

#endif
