/*
 * options.h - the one table of options.
 *
 * The file's parser, the checks, the defaults, `avouch config show`,
 * etc/avouch.conf and avouch.conf(5) all follow from it or are held against it.
 */
#ifndef AVOUCH_CONF_OPTIONS_H
#define AVOUCH_CONF_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/enum_names.h"
#include "conf/conf.h"

enum conf_type {
	CONF_TEXT,         /* char *: printable UTF-8, one line */
	CONF_HOST,         /* char *: a host name, normal form */
	CONF_PATH,         /* char *: an absolute path */
	CONF_STORE,        /* char *: the same, or the URL of a PostgreSQL */
	CONF_SOCKET,       /* char *: unix:/path, inet:PORT@ADDR, inet6:... */
	CONF_SOCKET_LOCAL, /* the same, only reachable from this host */
	CONF_FIELD,        /* char *: the name of a header field */
	CONF_ADDRESS,      /* char *: a mail address */
	CONF_TEMPLATE,     /* char *: a reply's text with {placeholders} */
	CONF_URL,          /* char *: the same for a link */
	CONF_BOOL,         /* bool */
	CONF_CHOICE,       /* an enum; `choices` are its names */
	CONF_NUMBER,       /* unsigned */
	CONF_OCTAL,        /* unsigned: permission bits */
	CONF_SECONDS,      /* unsigned, written 15s, 5m, 12h, 30d */
	CONF_MILLISECONDS, /* unsigned, written 800ms or as above */
	CONF_SIZE,         /* size_t, written 65536, 64K, 64M, 1G */
	CONF_PERCENT,      /* unsigned, per mille; written 5%, 0.5% */
	CONF_DATE,         /* int64_t: first second (UTC) of the day after */
	/* lists */
	CONF_NETWORKS, /* struct ip_net *, and size_t at `count` */
	CONF_MTAS,     /* struct conf_mta *, and size_t at `count` */
	CONF_SERVERS,  /* struct server_address[], and size_t at `count` */
	CONF_DOMAINS,  /* char **: domains in normal form */
	CONF_PATTERNS, /* char **; conf.h has the forms */
	CONF_FIELDS,   /* char **: names of header fields */
};

#define CONF_SECTION_OVERRIDE "override"

struct conf_option {
	const char *section; /* "": before all sections */
	const char *name;
	enum conf_type type;
	const char *default_text; /* as the file would say it; "" is none, a
	                             list is in braces */
	uint64_t min, max;        /* of numbers, in the unit of the field */
	const struct enum_token *choices;
	size_t n_choices;
	size_t offset;    /* in struct conf, or in struct conf_override */
	size_t count;     /* of a list's length; 0: no such field */
	const char *help; /* one sentence */
};

/* In the order of the file and of the manual; sections are contiguous. */
extern const struct conf_option conf_options[];
extern const size_t conf_n_options;

/* NULL: there is none. */
const struct conf_option *conf_option_find(
    const char *section, const char *name);

bool conf_type_is_list(enum conf_type type);

/* "duration", "choice", ...: how the manual calls it. */
const char *conf_type_name(enum conf_type type);

#endif
