/*
 * conf.h - the configuration, as an immutable snapshot.
 *
 * A snapshot is reference-counted: conf_ref() at connect, conf_unref() at
 * close.  A reload reads a new snapshot and replaces the old one, or keeps the
 * old one if the new one has errors.  The table of options (name, type,
 * default, range, help) drives the parser's checks and `avouch config show`; a
 * test compares etc/avouch.conf and the man page with it.
 */
#ifndef AVOUCH_CONF_CONF_H
#define AVOUCH_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/ip.h"
#include "lib/log.h"
#include "lib/server_address.h"
#include "lib/span.h"

enum {
	CONF_NAMESERVERS_MAX = 8,
	CONF_OUTGOING_MAX = 16, /* addresses in sign.outgoing */
	CONF_EXPIRE_MIN =
	    6 * 86400, /* seconds; mail waits up to five days in Postfix's queue
	                  (maximal_queue_lifetime) */
};

#define CONF_DEFAULT_FILE "/etc/avouch/avouch.conf"

enum conf_mode { CONF_ENFORCE, CONF_MONITOR };

/* The restrictions on the running daemon (milter/sandbox.h). */
enum conf_sandbox { CONF_SANDBOX_OFF, CONF_SANDBOX_BASIC, CONF_SANDBOX_FULL };

/* The formats of aggregate reports (report/write/aggregate_xml.h). */
enum conf_xml_format { CONF_XML_BROAD, CONF_XML_STRICT };

enum conf_action {
	CONF_ACCEPT,     /* deliver; Authentication-Results has the result */
	CONF_ANNOTATE,   /* deliver with the header field X-Avouch-Quarantine */
	CONF_QUARANTINE, /* SMFIR_QUARANTINE: the MTA's hold queue */
	CONF_REJECT,     /* 550 5.7.x */
	CONF_TEMPFAIL,   /* 451 4.7.x */
};

/* The authors whose mail is signed if the client logged in
 * (sign/author_rule.h). */
enum conf_author { CONF_AUTHOR_ANY, CONF_AUTHOR_ENVELOPE, CONF_AUTHOR_LOGIN };

/* The fields that are oversigned (sign/signature_field.h). */
enum conf_oversign {
	CONF_OVERSIGN_FULL,
	CONF_OVERSIGN_LISTS,
	CONF_OVERSIGN_OFF
};

enum conf_guard { CONF_GUARD_WARN, CONF_GUARD_OFF };

/*
 * An override.  Domain patterns: "example.net" matches only that name;
 * "*.example.net" and ".example.net" match every name below it;
 * "**.example.net" matches both; "<>" matches the null sender.  Names are in
 * normal form, and ".x" is stored as "*.x".
 */
struct conf_override {
	char *name;
	unsigned line;      /* first line of its section */
	char **from_domain; /* NULL-terminated lists; NULL: no condition */
	char **mail_from_domain;
	char **dkim_domain;
	char **recipient_domain;
	char **list_id;
	struct ip_net *client;
	size_t n_client;
	enum conf_action action;
	char *reason;
	int64_t expires; /* end of the last day, seconds since 1970; 0: never */
};

/* An MTA whose mail keeps fields with our authserv-id (RFC 8601 section 5). */
struct conf_mta {
	struct ip_net net;
	uint16_t port; /* port of our MTA on which its mail arrives; 0: any */
};

struct conf_snapshot;

struct conf {
	/* reference count and the source of each value; NULL if not made by
	 * conf_read() or conf_defaults() */
	struct conf_snapshot *snapshot;

	/* the daemon */
	char *socket; /* NULL: none; only sign.socket is used */
	unsigned socket_mode;
	char *socket_group; /* NULL: unchanged */
	char *user;         /* NULL: unchanged */
	enum conf_sandbox sandbox;
	char *authserv_id; /* NULL: use the MTA's name */
	enum log_format log;
	enum log_target log_target;

	/* DNS */
	struct {
		struct server_address servers[CONF_NAMESERVERS_MAX];
		size_t n_servers; /* 0: use /etc/resolv.conf */
	} dns;
	char *zone; /* zone file used instead of DNS, for tests; NULL: none */
	struct {
		size_t bytes;
	} cache;

	/* the verdict */
	enum conf_mode mode;
	unsigned sample; /* share of domains for which decisions are enforced,
	                    in units of 0.1 % */
	struct ip_net *skip_networks;
	size_t n_skip_networks;
	struct conf_mta *trusted_mtas;
	size_t n_trusted_mtas;
	bool skip_authenticated;
	bool auth_login; /* add the login name to Authentication-Results */
	struct ip_net *trusted_forwarders; /* clients whose mail is indirect
	                                      (RFC 9989 section 7.4) */
	size_t n_trusted_forwarders;
	enum conf_action on_overload; /* action if there are too few resources
	                                 to check a message */
	unsigned timeout_ms;          /* maximum wait for DNS per message */

	struct {
		enum conf_action on_fail, on_softfail, on_temperror,
		    on_permerror;
	} spf;
	struct {
		unsigned min_rsa_bits;
	} dkim;
	struct {
		enum conf_action on_temperror; /* if no signature passes */
	} dkim_actions;
	struct {
		char **trusted_sealers; /* domains, NULL-terminated */
	} arc;
	struct {
		enum conf_action on_reject, on_quarantine, on_temperror,
		    on_invalid_from;
		bool indirect_as_quarantine; /* RFC 9989 section 7.4 */
	} dmarc;
	struct {
		enum conf_action action; /* if neither SPF nor DKIM passes and
		                            no DMARC policy applies */
	} unauthenticated;
	struct {
		/* Templates with the placeholders "{domain}", "{rule}",
		 * "{client}", "{reason}" and, only in `reject_text`, "{url}".
		 * Values are percent-encoded in `url`.  NULL: the built-in
		 * text, or no link. */
		char *reject_text;
		char *url;
	} reply;
	struct conf_override *overrides;
	size_t n_overrides;

	struct {
		char *store; /* a path or a URL (lib/pg_url.h); NULL: results
		                are not stored */
		char *local_store; /* used if store is a URL */
		char *org_name;
		char *email;
		unsigned retention; /* seconds for which results are kept */
		unsigned replay_retention; /* seconds for which messages can be
		                              replayed */
		size_t max_store; /* maximum size of this host's store, bytes */
		unsigned min_free; /* minimum free space on the file system, in
		                      units of 0.1 % */
		enum conf_xml_format xml_format;
		char *sendmail;
		bool failure_reports;   /* RFC 9991 */
		char **failure_headers; /* names, NULL-terminated; NULL:
		                           none */
		char **failure_domains; /* patterns; NULL: all */
	} report;
	struct {
		char *socket; /* NULL: none */
		enum conf_author author;
		char *senders; /* a path; NULL: none */
		enum conf_action on_author_mismatch;
		bool lists;
		enum conf_oversign oversign;
		char **omit;     /* names, NULL-terminated; NULL: none */
		unsigned expire; /* seconds; 0: signatures never expire */
		bool short_expire;
		enum conf_guard guard;
		struct ip_net *outgoing; /* addresses, not networks */
		size_t n_outgoing;
		char *keys;    /* a directory (sign/key_folder.h) */
		char *publish; /* a program; NULL: none */
	} sign;
	struct {
		char *listen; /* NULL: off */
	} metrics;
};

enum {
	CONF_FILE_MAX = 1 << 20,     /* bytes of the configuration file */
	CONF_PATTERN_MAX = 256,      /* bytes of a pattern */
	CONF_OVERRIDE_NAME_MAX = 60, /* bytes */
};

/*
 * Reads `path`.  If the file is invalid, returns NULL and writes a line for
 * each error to `errors`: "FILE:LINE: what is wrong, and how to fix it".  May
 * be called from any thread.
 */
const struct conf *conf_read(const char *path, FILE *errors);

/* Like conf_read(), but reads `text`; `name` is the file's name in errors. */
const struct conf *conf_read_text(
    struct span text, const char *name, FILE *errors);

/*
 * Checks a few lines of a configuration, like conf_read_text() but faster,
 * because it does not read the defaults.  Returns false after writing errors.
 */
bool conf_check_text(struct span text, const char *name, FILE *errors);

/* Returns the built-in defaults, or NULL if memory ran out. */
const struct conf *conf_defaults(void);

/* One effective value and its source. */
struct conf_setting {
	const char *section;  /* "": global options, before all sections */
	const char *override; /* name of an override section; NULL: none */
	const char *name;
	const char
	    *value; /* in the syntax of the file, quoted; "{}": empty list */
	const char *file; /* NULL: the default */
	unsigned line;    /* line that sets it; 0: the default */
	const char *help; /* one sentence */
};

/*
 * Calls `each` for every option in the order of the manual, then for every
 * option that is set in an override.  The strings are valid only during the
 * call.
 */
void conf_each(const struct conf *c,
    void (*each)(void *arg, const struct conf_setting *s), void *arg);

/* Prints all values as a valid configuration file, with comments that show
 * where each value comes from. */
void conf_show(const struct conf *c, FILE *out);

/*
 * Prints a line for each obsolete option or value in the file:
 * "FILE:LINE: what to write instead".  These do not make the file invalid.
 */
void conf_print_warnings(const struct conf *c, FILE *out);

/*
 * Returns the file in which this host's daemon stores results:
 * report.store, or report.local_store if report.store is a URL.  NULL: results
 * are not stored.
 */
const char *conf_store_file(const struct conf *c);

/* Whether the override's last day has passed.  Callers warn about this at
 * startup and reload. */
bool conf_override_expired(const struct conf_override *o, int64_t now);

const struct conf *conf_ref(const struct conf *c);
void conf_unref(const struct conf *c); /* may be NULL */

const char *conf_action_name(enum conf_action action);
const char *conf_sandbox_name(enum conf_sandbox sandbox);

#endif
