/*
 * conf_fault.h - what is wrong with a configuration file, line by line.
 */
#ifndef AVOUCH_VERIFY_CONF_FAULT_H
#define AVOUCH_VERIFY_CONF_FAULT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/arena.h"

enum {
	CONF_FAULTS_MAX = 100,     /* told of one file */
	CONF_FAULT_TEXT_MAX = 400, /* bytes of one */
};

struct conf_fault {
	struct conf_fault *next;
	unsigned line; /* 0: of the file as a whole */
	const char *text;
};

struct conf_faults {
	struct arena *arena;
	struct conf_fault *first; /* by line */
	size_t n;
	bool muted;
	bool lost; /* no memory for another one */
};

/* Notes a fault, once; unprintable bytes become "?". */
void conf_fault(struct conf_faults *faults, unsigned line, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

void conf_fault_list(struct conf_faults *faults, unsigned line,
    const char *format, va_list ap) __attribute__((format(printf, 3, 0)));

/* "name:line: text", a line each. */
void conf_faults_print(
    const struct conf_faults *faults, const char *name, FILE *out);

#endif
