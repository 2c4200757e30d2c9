/*
 * options.h - the table of options.
 *
 * The parser, the checks, the defaults and `avouch config show` are derived
 * from it; a test compares etc/avouch.conf and avouch.conf(5) with it.
 */
#ifndef AVOUCH_CONF_OPTIONS_H
#define AVOUCH_CONF_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/enum_names.h"
#include "conf/conf.h"

enum conf_type {
	CONF_TEXT,         /* char *: printable UTF-8, one line */
	CONF_HOST,         /* char *: a host name in normal form */
	CONF_PATH,         /* char *: an absolute path */
	CONF_STORE,        /* char *: an absolute path, or a PostgreSQL URL */
	CONF_SOCKET,       /* char *: unix:/path, inet:PORT@ADDR, inet6:... */
	CONF_SOCKET_LOCAL, /* char *: a socket that only this host can reach */
	CONF_ADDRESS,      /* char *: a mail address */
	CONF_TEMPLATE,     /* char *: reply text with {placeholders} */
	CONF_URL,          /* char *: link with {placeholders} */
	CONF_BOOL,         /* bool */
	CONF_CHOICE,       /* an enum; `choices` lists its names */
	CONF_NUMBER,       /* unsigned */
	CONF_OCTAL,        /* unsigned: permission bits */
	CONF_SECONDS,      /* unsigned, written 15s, 5m, 12h, 30d */
	CONF_MILLISECONDS, /* unsigned, written 800ms, 15s, 5m, 12h, 30d */
	CONF_SIZE,         /* size_t, written 65536, 64K, 64M, 1G */
	CONF_PERCENT,      /* unsigned, in units of 0.1 %; written 5%, 0.5% */
	CONF_DATE,         /* int64_t: start (UTC) of the day after the date */
	/* lists */
	CONF_NETWORKS, /* struct ip_net *, and size_t at `count` */
	CONF_MTAS,     /* struct conf_mta *, and size_t at `count` */
	CONF_SERVERS,  /* struct server_address[], and size_t at `count` */
	CONF_DOMAINS,  /* char **: domains in normal form */
	CONF_PATTERNS, /* char **: patterns; see conf.h */
	CONF_FIELDS,   /* char **: names of header fields */
};

#define CONF_SECTION_OVERRIDE "override"

struct conf_option {
	const char *section; /* "": before all sections */
	const char *name;
	enum conf_type type;
	const char *default_text; /* in the syntax of the file; "": none; lists
	                             are in braces */
	uint64_t min, max; /* range of numbers, in the unit of the field */
	const struct enum_token *choices;
	size_t n_choices;
	size_t offset; /* offset of the value in struct conf or conf_override */
	size_t count;  /* offset of a list's length; 0: no such field */
	const char *help; /* one sentence */
};

/* All options, in the order of avouch.conf and its manual; sections are
 * contiguous. */
extern const struct conf_option conf_options[];
extern const size_t conf_n_options;

/* Returns NULL if there is no such option. */
const struct conf_option *conf_option_find(
    const char *section, const char *name);

bool conf_type_is_list(enum conf_type type);

/* Returns the manual's name for a type, such as "duration" or "choice". */
const char *conf_type_name(enum conf_type type);

#endif
