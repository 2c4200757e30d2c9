/*
 * conf.h - the configuration: one table of options, one immutable snapshot.
 *
 * A snapshot is counted: conf_ref() at connect, conf_unref() at close; a reload
 * reads a new one and swaps it in, or keeps the old one if the new is bad.  The
 * table of options (name, type, default, range, help) is what the parser's
 * checks, `avouch config show`, etc/avouch.conf and the man page are held
 * against.
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
	CONF_SIGNATURES_MAX = 100,   /* of one message that can be verified */
	CONF_OUTGOING_MAX = 16,      /* addresses of sign.outgoing */
	CONF_EXPIRE_MIN = 6 * 86400, /* seconds: mail waits five days in
	                                Postfix's queue (maximal_queue_lifetime)
	                              */
};

#define CONF_DEFAULT_FILE "/etc/avouch/avouch.conf"

enum conf_mode { CONF_ENFORCE, CONF_MONITOR };

/* What the daemon may no longer do once it runs (milter/sandbox.h). */
enum conf_sandbox { CONF_SANDBOX_OFF, CONF_SANDBOX_BASIC, CONF_SANDBOX_FULL };

/* Whom reports are written for (report/write/aggregate_xml.h). */
enum conf_xml_format { CONF_XML_BROAD, CONF_XML_STRICT };

/* What is done with a message. */
enum conf_action {
	CONF_ACCEPT,     /* deliver; the field says the result */
	CONF_ANNOTATE,   /* deliver with the header field for a filter */
	CONF_QUARANTINE, /* SMFIR_QUARANTINE: the MTA's hold queue */
	CONF_REJECT,     /* 550 5.7.x */
	CONF_TEMPFAIL,   /* 451 4.7.x */
};

/* Whose mail is signed, of clients that logged in (sign/author_rule.h). */
enum conf_author { CONF_AUTHOR_ANY, CONF_AUTHOR_ENVELOPE, CONF_AUTHOR_LOGIN };

/* What is oversigned (sign/signature_field.h). */
enum conf_oversign {
	CONF_OVERSIGN_FULL,
	CONF_OVERSIGN_LISTS,
	CONF_OVERSIGN_OFF
};

enum conf_guard { CONF_GUARD_WARN, CONF_GUARD_OFF };

/*
 * A pattern of domains: "example.net" matches only that name; "*.example.net"
 * and ".example.net" match every name below it; "**.example.net" matches both;
 * "<>" matches the null sender. Names are in normal form, and ".x" is stored as
 * "*.x".
 */
struct conf_override {
	char *name;
	unsigned line;      /* where its section begins */
	char **from_domain; /* NULL-terminated lists; NULL: not asked for */
	char **mail_from_domain;
	char **dkim_domain;
	char **recipient_domain;
	char **list_id;
	struct ip_net *client;
	size_t n_client;
	enum conf_action action;
	char *reason;
	bool report_reason;
	int64_t expires; /* seconds since 1970, first one of the day
	                    after; 0: never */
};

/* An MTA whose field of ours is kept (RFC 8601 section 5). */
struct conf_mta {
	struct ip_net net;
	uint16_t port; /* of our MTA, on which its mail comes; 0: any */
};

struct conf_snapshot;

struct conf {
	/* references and the source of each value; NULL if conf_read() or
	 * conf_defaults() did not make it */
	struct conf_snapshot *snapshot;

	/* the daemon */
	char *socket; /* NULL: none, only sign.socket */
	unsigned socket_mode;
	char *socket_group; /* NULL: as it is */
	char *user;         /* NULL: as started */
	enum conf_sandbox sandbox;
	char *pid_file;    /* NULL: none */
	char *authserv_id; /* NULL: the MTA's name */
	enum log_format log;
	enum log_target log_target;

	/* DNS */
	struct {
		struct server_address servers[CONF_NAMESERVERS_MAX];
		size_t n_servers; /* 0: those of /etc/resolv.conf */
	} dns;
	char *zone; /* a master file that answers instead, for tests; NULL */
	struct {
		size_t bytes;
		uint32_t stale_seconds;
	} cache;

	/* the verdict */
	enum conf_mode mode;
	unsigned sample; /* per mille of domains enforced on */
	struct ip_net *skip_networks;
	size_t n_skip_networks;
	struct conf_mta *trusted_mtas;
	size_t n_trusted_mtas;
	bool skip_authenticated;
	bool auth_login;                   /* our field names who logged in */
	struct ip_net *trusted_forwarders; /* marks of indirect mail, RFC 9989
	                                      section 7.4 */
	size_t n_trusted_forwarders;
	enum conf_action on_overload; /* when we are short of resources */
	unsigned timeout_ms;          /* a message's wait for DNS */

	struct {
		enum conf_action on_fail, on_softfail, on_temperror,
		    on_permerror, on_weak_pass;
		bool received_spf;           /* add Received-SPF as well */
		bool ignore_if_dmarc_passes; /* then none of these applies */
	} spf;
	struct {
		unsigned max_signatures; /* that are verified */
		unsigned min_rsa_bits;
		bool allow_body_tail; /* l= may leave the end unsigned */
	} dkim;
	struct { /* when no signature passes */
		enum conf_action on_temperror, on_permerror;
	} dkim_actions;
	struct {
		char **trusted_sealers; /* domains, NULL-terminated */
	} arc;
	struct {
		enum conf_action on_reject, on_quarantine, on_temperror,
		    on_permerror, on_invalid_from;
		bool indirect_as_quarantine; /* RFC 9989 section 7.4 */
		bool pct_zero_is_testing;    /* pct=0 is like t=y */
		char *quarantine_header;     /* its name; NULL: none */
	} dmarc;
	struct {
		enum conf_action action; /* neither SPF nor DKIM passes, and
		                            no policy says what to do */
	} unauthenticated;
	struct {
		/* Templates: "{domain}", "{rule}", "{client}", "{reason}",
		 * "{url}" (not in `url` itself, where values are
		 * percent-encoded).  NULL: the built-in text, no link. */
		char *reject_text;
		char *url;
	} reply;
	struct conf_override *overrides;
	size_t n_overrides;

	struct {
		char *store; /* a path or a URL (lib/pg_url.h); NULL: nothing
		                is kept */
		char *local_store; /* where store is a URL */
		char *org_name;
		char *email;
		unsigned retention;        /* seconds results are kept */
		unsigned replay_retention; /* the same for messages that can be
		                              replayed */
		size_t max_store;          /* bytes of the file of this host */
		unsigned min_free;         /* per mille of its file system */
		char *contact;             /* NULL: none */
		enum conf_xml_format xml_format;
		unsigned min_messages;
		unsigned send_window; /* seconds */
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
		unsigned expire; /* seconds; 0: signatures do not expire */
		bool short_expire;
		enum conf_guard guard;
		struct ip_net *outgoing; /* single addresses */
		size_t n_outgoing;
		char *keys;       /* a directory (sign/key_folder.h) */
		char *publish;    /* a program; NULL: none */
		unsigned max_age; /* of a key, in seconds */
	} sign;
	struct {
		char *listen; /* NULL: off */
	} metrics;
};

enum {
	CONF_FILE_MAX = 1 << 20,     /* bytes of a file */
	CONF_PATTERN_MAX = 256,      /* bytes of a pattern */
	CONF_OVERRIDE_NAME_MAX = 60, /* bytes */
};

/*
 * Reads `path`.  NULL: the file is invalid, and `errors` got a line for each
 * error: "FILE:LINE: what is wrong, and how to fix it".  Any thread.
 */
const struct conf *conf_read(const char *path, FILE *errors);

/* The same from memory; errors call the file `name`. */
const struct conf *conf_read_text(
    struct span text, const char *name, FILE *errors);

/*
 * Checks a few lines of a configuration.  As conf_read_text(), without the cost
 * of the defaults.
 */
bool conf_check_text(struct span text, const char *name, FILE *errors);

/* The built-in defaults; NULL: no memory. */
const struct conf *conf_defaults(void);

/* One effective value, and where it came from. */
struct conf_setting {
	const char *section;  /* "": before all sections */
	const char *override; /* name of an override section; NULL: none */
	const char *name;
	const char *value; /* as the file would say it, quoted; "{}": empty */
	const char *file;  /* NULL: a default */
	unsigned line;     /* where it is set; 0: a default */
	const char *help;  /* one sentence */
};

/*
 * Every option in the order of the manual, then every override as far as it is
 * set.  The texts last for the call.
 */
void conf_each(const struct conf *c,
    void (*each)(void *arg, const struct conf_setting *s), void *arg);

/* The same as a file that can be read again; comments say where each value
 * comes from. */
void conf_show(const struct conf *c, FILE *out);

/*
 * Options and values of earlier versions that the file has, a line for each:
 * "FILE:LINE: what to write instead".  They do not make the file invalid.
 */
void conf_print_warnings(const struct conf *c, FILE *out);

/*
 * The file that the daemon of this host keeps its results in: report.store, or
 * report.local_store where that is a URL.  NULL: nothing is kept.
 */
const char *conf_store_file(const struct conf *c);

/* Its last day is over; callers warn of it at start and reload. */
bool conf_override_expired(const struct conf_override *o, int64_t now);

const struct conf *conf_ref(const struct conf *c);
void conf_unref(const struct conf *c); /* takes NULL */

const char *conf_action_name(enum conf_action action);
const char *conf_sandbox_name(enum conf_sandbox sandbox);

#endif
