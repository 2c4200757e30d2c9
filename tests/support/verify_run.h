/*
 * verify_run.h - passes one message through verify/, as the milter does.
 */
#ifndef AVOUCH_TESTS_SUPPORT_VERIFY_RUN_H
#define AVOUCH_TESTS_SUPPORT_VERIFY_RUN_H

#include <stdbool.h>

#include "dns/source.h"
#include "verify/own_fields.h"
#include "verify/verify.h"

/* Defaults for a run. */
extern const char verify_run_zone[], verify_run_header[], verify_run_body[],
    verify_run_conf[];

/* For verify_run_keys(): only example.com has a key. */
extern const char *const only_example[];

/* How one message is sent, and the result.  Members that are NULL get a
 * default. */
struct verify_run {
	const char *conf;
	const char *ip, *helo, *sender, *auth, *name;
	const char *message;
	struct dns_source *dns;
	struct dns_source *fake; /* if set, verify_run_all() calls fake_settle()
	                            before verify_finish() */

	bool trusted_mta, rewrites_from;

	const struct conf *c;
	struct own_fields own;
	struct verify_connection *connection;
	struct verify_message *m;
	const struct verdict *v;
};

/* verify_run_begin() sends the commands up to RCPT; verify_run_message() sends
 * the header and body.  verify_run_all() does both and gets the verdict. */
void verify_run_begin(struct verify_run *r);
void verify_run_message(struct verify_run *r);
void verify_run_all(struct verify_run *r);
void verify_run_end(struct verify_run *r);

/* The first returns whether our Authentication-Results field contains `text`;
 * the second fails the test unless it does. */
bool verify_run_has(const struct verdict *v, const char *text);
void verify_run_results(const struct verdict *v, const char *text);

/* Returns a message with `header`, signed with the key "sel" of `domain`. */
char *verify_run_signed(const char *domain, const char *header);

/* Returns a zone with verify_run_zone, the key "sel" of each of `domains`
 * (which ends with NULL), and `more`. */
struct dns_source *verify_run_keys(
    const char *const *domains, const char *more);

#endif
