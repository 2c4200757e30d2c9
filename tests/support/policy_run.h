/*
 * policy_run.h - runs policy_decide() on given facts, and compares the whole
 * decision with the expected one.
 */
#ifndef AVOUCH_TESTS_SUPPORT_POLICY_RUN_H
#define AVOUCH_TESTS_SUPPORT_POLICY_RUN_H

#include <stddef.h>

#include "lib/enum_names.h"
#include "verify/policy.h"

#define POLICY_RUN_NOW INT64_C(1800000000) /* 2027-01-15 08:00:00 UTC */

static const struct span a_example[] = { { "a.example", 9 } };

static const struct span two_authors[] = { { "a.example", 9 },
	{ "b.example", 9 } };

static const struct span recipients[] = { { "here.example", 12 },
	{ "there.example", 13 } };

static const struct span signers[] = { { "esp.example", 11 },
	{ "mail.a.example", 14 } };

#define CLIENT                                                                 \
	{                                                                      \
		IP_V4,                                                         \
		{                                                              \
			192, 0, 2, 1                                           \
		}                                                              \
	}

/* A message from CLIENT to both recipients. */
#define TO                                                                     \
	.client = CLIENT, .recipient_domains = recipients,                     \
	.n_recipient_domains = 2

#define SENDER .mail_from_domain = { "bounce.example", 14 }

#define AUTHOR .from_domains = a_example, .n_from_domains = 1

#define DECIDED .dmarc_domain = { "a.example", 9 }

#define MAIL TO, SENDER, AUTHOR, DECIDED

#define ASKS(published, asked)                                                 \
	.dmarc = DMARC_FAIL, .dmarc_policy = DMARC_POLICY_##published,         \
	.dmarc_disposition = DMARC_POLICY_##asked

#define FAILS(published, asked) MAIL, ASKS(published, asked)

/* The message has a List-Id, and lists.example passes SPF or DKIM. */
#define LIST                                                                   \
	.list_id = { "l.lists.example", 15 }, .is_list = true,                 \
	.list_field = "List-Id", .list_domain = { "l.lists.example", 15 },     \
	.list_by = { "lists.example", 13 }

struct policy_vector {
	const char *name;
	const char *conf; /* the configuration file */
	struct policy_input f;

	enum conf_action action, would;
	const char *rule;
	const char *reason; /* NULL: not checked */
	enum dmarc_policy disposition;
	enum policy_override override;
	unsigned code;
	const char *enhanced;
	const char *text; /* NULL: not checked */
};

#define POLICY_RUN_EACH(vectors) policy_run_each((vectors), ARRAY_SIZE(vectors))

/* Reads a configuration; the mode is enforce unless the text sets it.  Fails
 * the test if the text has an error. */
const struct conf *policy_run_conf(const char *text);

/* Fails the test unless the whole decision matches the vector. */
void policy_run_check(
    const struct policy_vector *v, const struct policy_decision *d);

/* Checks each vector, and repeats it with each allocation failing in turn.
 * Mail that would be refused or quarantined must then be deferred, other mail
 * must be accepted, and the decision must have a reason. */
void policy_run_each(const struct policy_vector *v, size_t n);

#endif
