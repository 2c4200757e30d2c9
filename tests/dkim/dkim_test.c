/* dkim_test.c - signatures from begin to finish (RFC 6376, 8301, 8463) */
#include "dkim/dkim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dns/zone.h"
#include "lib/enum_names.h"
#include "tests/support/dkim_run.h"
#include "tests/support/sign.h"

/* ---- published examples ---- */

struct example {
	const char *name, *message, *zone;
	int64_t now;
	const char *want;
};

static const struct example examples[] = {
	{ "RFC 6376 appendix A", "tests/messages/rfc6376_a2.eml",
	    "tests/zones/rfc6376.zone", 1057982497, "pass:1024-bit RSA key" },
	{ "RFC 8463 appendix A", "tests/messages/rfc8463_a3.eml",
	    "tests/zones/rfc8463.zone", 1528637909,
	    "pass:256-bit Ed25519 key pass:1024-bit RSA key" },
};

static struct dns_source *
open_zone(const char *path)
{
	char error[200];
	struct dns_source *zone = dns_zone_open(path, error, sizeof(error));

	if (zone == NULL)
		fail_msg("%s", error);
	return zone;
}

/* The body cut in two at every byte, and into single bytes. */
static void
examples_cut_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct example *e = &examples[i];
		struct span message = dkim_run_file(e->message);
		struct dns_source *zone = open_zone(e->zone);

		for (size_t cut = 0; cut <= 60; cut++) {
			struct dkim_run r = { .now = e->now,
				.cut = cut,
				.step = cut == 0 ? 1 : 0 };

			dkim_run(&r, message, zone);
			dkim_run_expect(&r, e->name, e->want);
			dkim_run_end(&r);
		}
		zone->close(zone);
		free((void *)(uintptr_t)message.p);
	}
}

/* With the arena failing at each allocation: temperror at most, never a pass
 * that is none, and no crash. */
static void
examples_without_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct example *e = &examples[i];
		struct span message = dkim_run_file(e->message);
		struct dns_source *zone = open_zone(e->zone);
		bool failed = true;

		for (unsigned long at = 1; failed; at++) {
			struct dkim_run r = { .now = e->now, .fail_at = at };

			dkim_run(&r, message, zone);
			failed = r.failed;
			for (size_t k = 0; k < r.n; k++)
				assert_true(r.results[k].code == DKIM_PASS ||
				    r.results[k].code == DKIM_TEMPERROR ||
				    r.results[k].code == DKIM_POLICY);
			if (!failed)
				dkim_run_expect(&r, e->name, e->want);
			dkim_run_end(&r);
			assert_true(at < 500);
		}
		zone->close(zone);
		free((void *)(uintptr_t)message.p);
	}
}

/* One byte changed anywhere in what is signed is no pass. */
static void
examples_changed(void **state)
{
	struct span message = dkim_run_file(examples[1].message);
	struct dns_source *zone = open_zone(examples[1].zone);
	char *p = (char *)(uintptr_t)message.p;
	char *from = strstr(p, "From: Joe");

	(void)state;
	assert_non_null(from);
	for (char *at = from; at < p + message.n; at++) {
		struct dkim_run r = { .now = examples[1].now };
		char was = *at;

		if (strchr(" \t\r\n", was) != NULL)
			continue;
		*at = was == 'x' ? 'y' : 'x';
		dkim_run(&r, message, zone);
		for (size_t k = 0; k < r.n; k++)
			if (r.results[k].code != DKIM_FAIL &&
			    r.results[k].code != DKIM_POLICY)
				fail_msg("byte %td: %s", at - p,
				    dkim_code_name(r.results[k].code));
		dkim_run_end(&r);
		*at = was;
	}
	zone->close(zone);
	free(p);
}

/* ---- own vectors ---- */

#define HEADER                                                                 \
	"Received: from b.example\r\n by mx.example;  today\r\n"               \
	"Received: from a.example by b.example\r\n"                            \
	"From: Ann <ann@example.com>\r\n"                                      \
	"to:  bob@example.net \t\r\n"                                          \
	"Subject: a  subject\r\n\tthat is folded\r\n"                          \
	"X-Empty:\r\n"
#define BODY "Hi.\r\n\r\nWe lost  the game. \r\n\r\n\r\n"
#define V1 "v=1; a=rsa-sha256; d=example.com; s=sel; "
#define TAGS V1 "c=relaxed/relaxed; h=from:to:subject"

struct vector {
	const char *name, *tags;
	const char *from, *to; /* changed after signing; NULL: nothing */
	const char *want;
};

static char *
message_of(const struct vector *v)
{
	char *message = sign_message(sign_rsa(1024, 0), v->tags, HEADER, BODY);

	return v->from != NULL ? sign_change(message, v->from, v->to) : message;
}

static void
run_vectors(const struct vector *v, size_t n)
{
	struct dns_source *zone = dkim_run_zone(sign_rsa(1024, 0), "");

	for (size_t i = 0; i < n; i++) {
		char *message = message_of(&v[i]);
		struct dkim_run r = { .cut = 0 };

		dkim_run(&r, span_str(message), zone);
		dkim_run_expect(&r, v[i].name, v[i].want);
		dkim_run_end(&r);
		free(message);
	}
	zone->close(zone);
}

#define PASS "pass:1024-bit RSA key"
#define NOT_BODY "fail:body hash did not verify"
#define NOT_HEADER "fail:signature did not verify"
#define TRAIL "game. \r\n\r\n\r\n"

static const struct vector canonicalization[] = {
	{ "3.4.2 relaxed", TAGS, NULL, NULL, PASS },
	{ "3.4.2 name and white space", TAGS, "\r\nto:  bob@example.net \t",
	    "\r\nTO :\r\n bob@example.net", PASS },
	{ "3.4.2 unfolded", TAGS, "subject\r\n\tthat", "subject that", PASS },
	{ "3.4.2 space within a word", TAGS, "subject\r\n\tthat",
	    "sub ject that", NOT_HEADER },
	{ "3.4.4 trailing space", TAGS, TRAIL, "game.\r\n", PASS },
	{ "3.4.4 space reduced", TAGS, "lost  the", "lost\tthe", PASS },
	{ "3.4.4 space removed", TAGS, "lost  the", "lostthe", NOT_BODY },
	{ "3.4.4 line removed", TAGS, "Hi.\r\n\r\n", "Hi.\r\n", NOT_BODY },
	{ "3.4.1 simple", V1 "c=simple/simple; h=from:to:subject", NULL, NULL,
	    PASS },
	{ "3.4.1 name", V1 "c=simple/simple; h=from:to:subject",
	    "\r\nto:", "\r\nTo:", NOT_HEADER },
	{ "3.4.1 white space", V1 "c=simple/simple; h=from:to:subject",
	    "net \t", "net ", NOT_HEADER },
	{ "3.4.3 empty lines", V1 "c=simple/simple; h=from:to:subject", TRAIL,
	    "game. \r\n", PASS },
	{ "3.4.3 white space", V1 "c=simple/simple; h=from:to:subject", TRAIL,
	    "game.\r\n", NOT_BODY },
	{ "3.5 c= is left out", V1 "h=from:to:subject", NULL, NULL, PASS },
	{ "3.5 c= is left out, header", V1 "h=from:to:subject", "net \t",
	    "net ", NOT_HEADER },
	{ "3.5 c=relaxed alone: body simple", V1 "c=relaxed; h=from", TRAIL,
	    "game.\r\n", NOT_BODY },
	{ "3.5 c=relaxed alone: header relaxed", V1 "c=relaxed; h=from:to",
	    "net \t", "net", PASS },
	{ "3.5 c=simple/relaxed", V1 "c=simple/relaxed; h=from", TRAIL,
	    "game.\r\n", PASS },
};

static void
section_3_4_canonicalization(void **state)
{
	(void)state;
	run_vectors(canonicalization, ARRAY_SIZE(canonicalization));
}

#define RECEIVED "Received: from c.example by d.example\r\nReceived: from b"
#define OVER V1 "c=relaxed/relaxed; h=from:from:to:subject:subject:cc"

static const struct vector fields[] = {
	{ "5.4.2 one of two, the lowest", V1 "h=from:received",
	    "from b.example", "from x.example", PASS },
	{ "5.4.2 one of two, changed", V1 "h=from:received", "from a.example",
	    "from x.example", NOT_HEADER },
	{ "5.4.2 both", V1 "h=received:from:received", NULL, NULL, PASS },
	{ "5.4.2 both, upper changed", V1 "h=received:from:received",
	    "from b.example", "from x.example", NOT_HEADER },
	{ "5.4.2 both, one more on top", V1 "h=received:from:received",
	    "Received: from b", RECEIVED, PASS },
	{ "5.4 three, one more on top", V1 "h=received:from:received:received",
	    "Received: from b", RECEIVED, NOT_HEADER },
	{ "5.4 absent", OVER, NULL, NULL, PASS },
	{ "5.4 absent, then added", OVER,
	    "X-Empty:", "Cc: c@example.net\r\nX-Empty:", NOT_HEADER },
	{ "5.4 second Subject", OVER,
	    "X-Empty:", "Subject: b\r\nX-Empty:", NOT_HEADER },
	{ "3.5 names in any case", V1 "h=FROM:To:sUBJECT", NULL, NULL, PASS },
	{ "3.5 white space in h=", V1 "h= from :\r\n\tto ", NULL, NULL, PASS },
	{ "3.5 empty field", V1 "h=from:x-empty", "X-Empty:", "X-Empty: x",
	    NOT_HEADER },
	{ "3.7 unsigned field", TAGS, "X-Empty:", "X-Other: x", PASS },
	{ "3.7 order of h=", V1 "h=from:to", "h=from:to", "h=to:from",
	    NOT_HEADER },
	{ "3.7 unknown tag", TAGS "; zz=1", "zz=1", "zz=2", NOT_HEADER },
	{ "3.7 field removed", V1 "h=from:x-empty:subject", "X-Empty:\r\n", "",
	    NOT_HEADER },
};

static void
section_5_4_fields(void **state)
{
	(void)state;
	run_vectors(fields, ARRAY_SIZE(fields));
}

/* What peers let through. */
static const struct vector replays[] = {
	{ "h= without From, From rewritten", V1 "h=to:subject",
	    "Ann <ann@example.com>", "ceo@bank.example",
	    "permerror:From is not signed" },
	{ "text behind l=", TAGS "; l=10", TRAIL, "game. Buy!\r\n",
	    "policy:l= leaves 21 bytes of the body unsigned" },
	{ "l=0", TAGS "; l=0", BODY, "anything\r\n",
	    "policy:l= leaves 10 bytes of the body unsigned" },
	{ "second From above a signed one", TAGS, "From: Ann",
	    "From: ceo@bank.example\r\nFrom: Ann",
	    "policy:not every From field is signed" },
	{ "second From below a signed one", TAGS,
	    "X-Empty:", "From: ceo@bank.example\r\nX-Empty:", NOT_HEADER },
	{ "second From, oversigned", OVER, "From: Ann",
	    "From: ceo@bank.example\r\nFrom: Ann", NOT_HEADER },
	{ "d= twice", TAGS "; d=bank.example", NULL, NULL,
	    "permerror:a tag is given twice" },
	{ "second From with a space before the colon", TAGS, "From: Ann",
	    "From : ceo@bank.example\r\nFrom: Ann",
	    "policy:not every From field is signed" },
	{ "d= that is a single label",
	    "v=1; a=rsa-sha256; d=com; s=sel; h=from", NULL, NULL,
	    "permerror:d= is a single label" },
};

static void
replays_of_others(void **state)
{
	(void)state;
	run_vectors(replays, ARRAY_SIZE(replays));
}

static const struct vector lengths[] = {
	{ "l= of all", TAGS "; l=26", NULL, NULL, PASS },
	{ "l= of all, blank lines behind", TAGS "; l=26", TRAIL,
	    "game.\r\n\r\n \r\n", PASS },
	{ "3.5 l= of more", TAGS "; l=27", NULL, NULL,
	    "fail:the body has 26 bytes, l= is more" },
	{ "3.5 l= over any number", TAGS "; l=18446744073709551642", NULL, NULL,
	    "fail:the body has 26 bytes, l= is more" },
	{ "3.5 l= over 32 bits", TAGS "; l=4294967322", NULL, NULL,
	    "fail:the body has 26 bytes, l= is more" },
	{ "l= and a change before it", TAGS "; l=10", "Hi.", "Ho.", NOT_BODY },
};

static void
section_3_5_lengths(void **state)
{
	(void)state;
	run_vectors(lengths, ARRAY_SIZE(lengths));
}

/* DKIM_RUN_NOW is 1750000000. */
static const struct vector times[] = {
	{ "x= past", TAGS "; x=1749999999", NULL, NULL,
	    "fail:the signature has expired" },
	{ "x= now", TAGS "; x=1750000000", NULL, NULL, PASS },
	{ "t= within the skew", TAGS "; t=1750000300", NULL, NULL, PASS },
	{ "t= beyond the skew", TAGS "; t=1750000301", NULL, NULL,
	    "fail:the signature is dated in the future" },
	{ "t= of 12 digits", TAGS "; t=999999999999", NULL, NULL,
	    "fail:the signature is dated in the future" },
	{ "x= not after t=", TAGS "; t=1750000100; x=1750000100", NULL, NULL,
	    "permerror:x= is not later than t=" },
};

static void
section_3_5_times(void **state)
{
	(void)state;
	run_vectors(times, ARRAY_SIZE(times));
}

/* Own vectors with the body cut at every byte and the arena
 * failing at each allocation. */
static void
own_vectors_in_pieces(void **state)
{
	static const char *const forms[] = { "relaxed/relaxed",
		"relaxed/simple", "simple/relaxed", "simple/simple" };
	struct dns_source *zone = dkim_run_zone(sign_rsa(1024, 0), "");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		char tags[200];
		char *message;
		bool failed = true;

		snprintf(
		    tags, sizeof(tags), V1 "h=from:to:subject; c=%s", forms[i]);
		message = sign_message(sign_rsa(1024, 0), tags, HEADER, BODY);
		for (size_t cut = 0; cut <= strlen(BODY); cut++) {
			struct dkim_run r = { .cut = cut,
				.step = cut == 0 ? 1 : 0 };

			dkim_run(&r, span_str(message), zone);
			dkim_run_expect(&r, forms[i], PASS);
			dkim_run_end(&r);
		}
		message = sign_change(message, "lost", "won");
		for (unsigned long at = 1; failed; at++) {
			struct dkim_run r = { .fail_at = at };

			dkim_run(&r, span_str(message), zone);
			failed = r.failed;
			for (size_t k = 0; k < r.n; k++)
				assert_true(r.results[k].code == DKIM_FAIL ||
				    r.results[k].code == DKIM_TEMPERROR);
			dkim_run_end(&r);
			assert_true(at < 200);
		}
		free(message);
	}
	zone->close(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_cut_everywhere),
		cmocka_unit_test(examples_without_memory),
		cmocka_unit_test(examples_changed),
		cmocka_unit_test(section_3_4_canonicalization),
		cmocka_unit_test(section_5_4_fields),
		cmocka_unit_test(replays_of_others),
		cmocka_unit_test(section_3_5_lengths),
		cmocka_unit_test(section_3_5_times),
		cmocka_unit_test(own_vectors_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, sign_teardown);
}
