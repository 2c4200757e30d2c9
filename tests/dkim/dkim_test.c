/* dkim_test.c - verifies signatures end to end (RFC 6376, 8301, 8463) */
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
	{ .name = "RFC 6376 appendix A",
	    .message = "tests/messages/rfc6376_a2.eml",
	    .zone = "tests/zones/rfc6376.zone",
	    .now = 1057982497,
	    .want = "pass:1024-bit RSA key" },
	{ .name = "RFC 8463 appendix A",
	    .message = "tests/messages/rfc8463_a3.eml",
	    .zone = "tests/zones/rfc8463.zone",
	    .now = 1528637909,
	    .want = "pass:256-bit Ed25519 key pass:1024-bit RSA key" },
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

/* Splits the body in two at each of its first 60 bytes, and into single bytes.
 */
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

/* Makes each allocation in the arena fail in turn: the result may be temperror,
 * but never a false pass or a crash. */
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

/* If one signed byte is changed, no signature passes. */
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

struct dkim_vector {
	const char *name, *tags;
	const char *from, *to; /* replaced after signing; NULL: nothing */
	const char *want;
};

static char *
message_of(const struct dkim_vector *v)
{
	char *message = sign_message(sign_rsa(1024, 0), v->tags, HEADER, BODY);

	return v->from != NULL ? sign_change(message, v->from, v->to) : message;
}

static void
run_vectors(const struct dkim_vector *v, size_t n)
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

static const struct dkim_vector canonicalization[] = {
	{ .name = "3.4.2 relaxed", .tags = TAGS, .want = PASS },
	{ .name = "3.4.2 name and white space",
	    .tags = TAGS,
	    .from = "\r\nto:  bob@example.net \t",
	    .to = "\r\nTO :\r\n bob@example.net",
	    .want = PASS },
	{ .name = "3.4.2 unfolded",
	    .tags = TAGS,
	    .from = "subject\r\n\tthat",
	    .to = "subject that",
	    .want = PASS },
	{ .name = "3.4.2 space within a word",
	    .tags = TAGS,
	    .from = "subject\r\n\tthat",
	    .to = "sub ject that",
	    .want = NOT_HEADER },
	{ .name = "3.4.4 trailing space",
	    .tags = TAGS,
	    .from = TRAIL,
	    .to = "game.\r\n",
	    .want = PASS },
	{ .name = "3.4.4 space reduced",
	    .tags = TAGS,
	    .from = "lost  the",
	    .to = "lost\tthe",
	    .want = PASS },
	{ .name = "3.4.4 space removed",
	    .tags = TAGS,
	    .from = "lost  the",
	    .to = "lostthe",
	    .want = NOT_BODY },
	{ .name = "3.4.4 line removed",
	    .tags = TAGS,
	    .from = "Hi.\r\n\r\n",
	    .to = "Hi.\r\n",
	    .want = NOT_BODY },
	{ .name = "3.4.1 simple",
	    .tags = V1 "c=simple/simple; h=from:to:subject",
	    .want = PASS },
	{ .name = "3.4.1 name",
	    .tags = V1 "c=simple/simple; h=from:to:subject",
	    .from = "\r\nto:",
	    .to = "\r\nTo:",
	    .want = NOT_HEADER },
	{ .name = "3.4.1 white space",
	    .tags = V1 "c=simple/simple; h=from:to:subject",
	    .from = "net \t",
	    .to = "net ",
	    .want = NOT_HEADER },
	{ .name = "3.4.3 empty lines",
	    .tags = V1 "c=simple/simple; h=from:to:subject",
	    .from = TRAIL,
	    .to = "game. \r\n",
	    .want = PASS },
	{ .name = "3.4.3 white space",
	    .tags = V1 "c=simple/simple; h=from:to:subject",
	    .from = TRAIL,
	    .to = "game.\r\n",
	    .want = NOT_BODY },
	{ .name = "3.5 c= is left out",
	    .tags = V1 "h=from:to:subject",
	    .want = PASS },
	{ .name = "3.5 c= is left out, header",
	    .tags = V1 "h=from:to:subject",
	    .from = "net \t",
	    .to = "net ",
	    .want = NOT_HEADER },
	{ .name = "3.5 c=relaxed alone: body simple",
	    .tags = V1 "c=relaxed; h=from",
	    .from = TRAIL,
	    .to = "game.\r\n",
	    .want = NOT_BODY },
	{ .name = "3.5 c=relaxed alone: header relaxed",
	    .tags = V1 "c=relaxed; h=from:to",
	    .from = "net \t",
	    .to = "net",
	    .want = PASS },
	{ .name = "3.5 c=simple/relaxed",
	    .tags = V1 "c=simple/relaxed; h=from",
	    .from = TRAIL,
	    .to = "game.\r\n",
	    .want = PASS },
};

static void
section_3_4_canonicalization(void **state)
{
	(void)state;
	run_vectors(canonicalization, ARRAY_SIZE(canonicalization));
}

#define RECEIVED "Received: from c.example by d.example\r\nReceived: from b"
#define OVER V1 "c=relaxed/relaxed; h=from:from:to:subject:subject:cc"

static const struct dkim_vector fields[] = {
	{ .name = "5.4.2 one of two, the lowest",
	    .tags = V1 "h=from:received",
	    .from = "from b.example",
	    .to = "from x.example",
	    .want = PASS },
	{ .name = "5.4.2 one of two, changed",
	    .tags = V1 "h=from:received",
	    .from = "from a.example",
	    .to = "from x.example",
	    .want = NOT_HEADER },
	{ .name = "5.4.2 both",
	    .tags = V1 "h=received:from:received",
	    .want = PASS },
	{ .name = "5.4.2 both, upper changed",
	    .tags = V1 "h=received:from:received",
	    .from = "from b.example",
	    .to = "from x.example",
	    .want = NOT_HEADER },
	{ .name = "5.4.2 both, one more on top",
	    .tags = V1 "h=received:from:received",
	    .from = "Received: from b",
	    .to = RECEIVED,
	    .want = PASS },
	{ .name = "5.4 three, one more on top",
	    .tags = V1 "h=received:from:received:received",
	    .from = "Received: from b",
	    .to = RECEIVED,
	    .want = NOT_HEADER },
	{ .name = "5.4 absent", .tags = OVER, .want = PASS },
	{ .name = "5.4 absent, then added",
	    .tags = OVER,
	    .from = "X-Empty:",
	    .to = "Cc: c@example.net\r\nX-Empty:",
	    .want = NOT_HEADER },
	{ .name = "5.4 second Subject",
	    .tags = OVER,
	    .from = "X-Empty:",
	    .to = "Subject: b\r\nX-Empty:",
	    .want = NOT_HEADER },
	{ .name = "3.5 names in any case",
	    .tags = V1 "h=FROM:To:sUBJECT",
	    .want = PASS },
	{ .name = "3.5 white space in h=",
	    .tags = V1 "h= from :\r\n\tto ",
	    .want = PASS },
	{ .name = "3.5 empty field",
	    .tags = V1 "h=from:x-empty",
	    .from = "X-Empty:",
	    .to = "X-Empty: x",
	    .want = NOT_HEADER },
	{ .name = "3.7 unsigned field",
	    .tags = TAGS,
	    .from = "X-Empty:",
	    .to = "X-Other: x",
	    .want = PASS },
	{ .name = "3.7 order of h=",
	    .tags = V1 "h=from:to",
	    .from = "h=from:to",
	    .to = "h=to:from",
	    .want = NOT_HEADER },
	{ .name = "3.7 unknown tag",
	    .tags = TAGS "; zz=1",
	    .from = "zz=1",
	    .to = "zz=2",
	    .want = NOT_HEADER },
	{ .name = "3.7 field removed",
	    .tags = V1 "h=from:x-empty:subject",
	    .from = "X-Empty:\r\n",
	    .to = "",
	    .want = NOT_HEADER },
};

static void
section_5_4_fields(void **state)
{
	(void)state;
	run_vectors(fields, ARRAY_SIZE(fields));
}

/* Replays that other verifiers accept. */
static const struct dkim_vector replays[] = {
	{ .name = "h= without From, From rewritten",
	    .tags = V1 "h=to:subject",
	    .from = "Ann <ann@example.com>",
	    .to = "ceo@bank.example",
	    .want = "permerror:From is not signed" },
	{ .name = "text after l=",
	    .tags = TAGS "; l=10",
	    .from = TRAIL,
	    .to = "game. Buy!\r\n",
	    .want = "policy:l= leaves 21 bytes of the body unsigned" },
	{ .name = "l=0",
	    .tags = TAGS "; l=0",
	    .from = BODY,
	    .to = "anything\r\n",
	    .want = "policy:l= leaves 10 bytes of the body unsigned" },
	{ .name = "second From above a signed one",
	    .tags = TAGS,
	    .from = "From: Ann",
	    .to = "From: ceo@bank.example\r\nFrom: Ann",
	    .want = "policy:not every From field is signed" },
	{ .name = "second From below a signed one",
	    .tags = TAGS,
	    .from = "X-Empty:",
	    .to = "From: ceo@bank.example\r\nX-Empty:",
	    .want = NOT_HEADER },
	{ .name = "second From, oversigned",
	    .tags = OVER,
	    .from = "From: Ann",
	    .to = "From: ceo@bank.example\r\nFrom: Ann",
	    .want = NOT_HEADER },
	{ .name = "d= twice",
	    .tags = TAGS "; d=bank.example",
	    .want = "permerror:a tag is given twice" },
	{ .name = "second From with a space before the colon",
	    .tags = TAGS,
	    .from = "From: Ann",
	    .to = "From : ceo@bank.example\r\nFrom: Ann",
	    .want = "policy:not every From field is signed" },
	{ .name = "d= that is a single label",
	    .tags = "v=1; a=rsa-sha256; d=com; s=sel; h=from",
	    .want = "permerror:d= is not a fully qualified domain name" },
};

static void
replays_of_others(void **state)
{
	(void)state;
	run_vectors(replays, ARRAY_SIZE(replays));
}

static const struct dkim_vector lengths[] = {
	{ .name = "l= of all", .tags = TAGS "; l=26", .want = PASS },
	{ .name = "l= of the whole body, blank lines after it",
	    .tags = TAGS "; l=26",
	    .from = TRAIL,
	    .to = "game.\r\n\r\n \r\n",
	    .want = PASS },
	{ .name = "3.5 l= of more than the body",
	    .tags = TAGS "; l=27",
	    .want = "fail:the body has 26 bytes, fewer than l=" },
	{ .name = "3.5 l= above the largest number",
	    .tags = TAGS "; l=18446744073709551642",
	    .want = "fail:the body has 26 bytes, fewer than l=" },
	{ .name = "3.5 l= of more than 32 bits",
	    .tags = TAGS "; l=4294967322",
	    .want = "fail:the body has 26 bytes, fewer than l=" },
	{ .name = "l= and a change before it",
	    .tags = TAGS "; l=10",
	    .from = "Hi.",
	    .to = "Ho.",
	    .want = NOT_BODY },
};

static void
section_3_5_lengths(void **state)
{
	(void)state;
	run_vectors(lengths, ARRAY_SIZE(lengths));
}

/* DKIM_RUN_NOW is 1750000000. */
static const struct dkim_vector times[] = {
	{ .name = "x= in the past",
	    .tags = TAGS "; x=1749999999",
	    .want = "fail:the signature has expired" },
	{ .name = "x= now", .tags = TAGS "; x=1750000000", .want = PASS },
	{ .name = "t= within the skew",
	    .tags = TAGS "; t=1750000300",
	    .want = PASS },
	{ .name = "t= beyond the skew",
	    .tags = TAGS "; t=1750000301",
	    .want = "fail:the signature is dated in the future" },
	{ .name = "t= of 12 digits",
	    .tags = TAGS "; t=999999999999",
	    .want = "fail:the signature is dated in the future" },
	{ .name = "x= not after t=",
	    .tags = TAGS "; t=1750000100; x=1750000100",
	    .want = "permerror:x= is not later than t=" },
};

static void
section_3_5_times(void **state)
{
	(void)state;
	run_vectors(times, ARRAY_SIZE(times));
}

/* Verifies each canonicalization with the body split at every byte, and a
 * changed message with each allocation failing. */
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
