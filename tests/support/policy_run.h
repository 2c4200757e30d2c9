/*
 * policy_run.h - facts through policy.h, and all that comes of them compared.
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

/* A message of a.example to both recipients. */
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

/* A List-Id, and SPF or DKIM of lists.example passes. */
#define LIST                                                                   \
	.list_id = { "l.lists.example", 15 }, .is_list = true,                 \
	.list_field = "List-Id", .list_domain = { "l.lists.example", 15 },     \
	.list_by = { "lists.example", 13 }

struct policy_vector {
	const char *name;
	const char *conf; /* the file */
	struct policy_input f;

	enum conf_action action, would;
	const char *rule;
	const char *reason; /* NULL: not looked at */
	enum dmarc_policy disposition;
	enum policy_override override;
	unsigned code;
	const char *enhanced;
	const char *text; /* NULL: not looked at */
};

#define POLICY_RUN_EACH(vectors) policy_run_each((vectors), ARRAY_SIZE(vectors))

/* Enforced unless the text sets the mode.  The test fails if the text has an
 * error. */
const struct conf *policy_run_conf(const char *text);

/* All of the decision is as the vector has it. */
void policy_run_check(
    const struct policy_vector *v, const struct policy_decision *d);

/* Also with the arena failing at each allocation: mail flows, and says why. */
void policy_run_each(const struct policy_vector *v, size_t n);

#endif
